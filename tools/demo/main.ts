import { writeFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheDir } from '../parts/cache.ts';
import { Cleanup, Interrupted, listenForEnd } from '../parts/cleanup.ts';
import { messageOf } from '../parts/until.ts';
import { addressOf, type Demo } from './demo.ts';
import { type Around, layGround } from './ground.ts';
import { type Options, readOptions } from './options.ts';
import { Screen } from './screen.ts';

const screen = new Screen();
const cleanup = new Cleanup();
/** The failure that stands on the screen already. */
let told: unknown;
const end = listenForEnd(() => {
  screen.say(`\nStill tidying up (${cleanup.left.at(-1) ?? 'almost done'}); what is left then goes at the next start. Ending at once.`);
  process.exit(1);
});

process.exitCode = await main();
end.release();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2), process.stdin.isTTY === true);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nnpm run demo -- --help tells what there is.\n`);
    return 2;
  }
  const code = await play(options);
  return (await tidyUp(options)) && code === 0 ? 0 : code || 1;
}

async function play(options: Options): Promise<number> {
  const begun = performance.now();
  const times: { title: string; seconds: number }[] = [];
  const around: Around = {
    options,
    screen,
    cleanup,
    end,
    showing: (title, work, seen) => show(times, title, work, seen),
  };
  screen.say(`\n${screen.bold('Slipway')}: four commits of a shop on their way to production\n`);
  let demo: Demo | undefined;
  try {
    const ground = await layGround(around);
    enableCompileCache(await cacheDir('compiled'));
    // Loaded only now: they import packages of ours, which had to be compiled first.
    const [{ setUp }, { story }] = await Promise.all([import('./set-up.ts'), import('./steps/index.ts')]);
    const running = await setUp(around, ground);
    demo = running;
    for (const { title, play } of story)
      await around.showing(
        title,
        () => play(running),
        (seen) => seen,
      );
    const total = (performance.now() - begun) / 1000;
    screen.say(`\n  All ${times.length} steps happened, in ${total.toFixed(1)} s. Slowest: ${slowest(times)}\n`);
    if (!options.once) await stayUp(running);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      screen.say('\n  Interrupted.');
      return 130;
    }
    if (error !== told) screen.say(`  !! ${messageOf(error)}`);
    if (demo !== undefined) screen.say(`     logs: ${demo.dataDir.logs}${options.keep ? '' : ' (kept with --keep)'}`);
    return 1;
  }
}

async function show<T>(
  times: { title: string; seconds: number }[],
  title: string,
  work: () => Promise<T>,
  seen: (made: T) => string,
): Promise<T> {
  end.throwIfAsked();
  screen.begin(title);
  try {
    const made = await work();
    times.push({ title, seconds: screen.done(seen(made)) });
    return made;
  } catch (error) {
    told = error;
    screen.failed(error instanceof Interrupted ? 'interrupted' : `Step ${times.length + 1} did not happen: ${messageOf(error)}`);
    throw error;
  }
}

function slowest(times: readonly { title: string; seconds: number }[]): string {
  const [first] = [...times].sort((a, b) => b.seconds - a.seconds);
  return first === undefined ? '-' : `“${first.title}”, ${first.seconds.toFixed(1)} s`;
}

/** Tells what can be looked at, and waits for Ctrl-C. */
async function stayUp(demo: Demo): Promise<void> {
  const { gatewayUrl, ports } = demo.environment;
  const tokenFile = join(demo.dataDir.path, 'omar.token');
  await writeFile(tokenFile, `${demo.cast.omar.token}\n`, { mode: 0o600 });
  const services = Object.entries(ports).map(([service, port]) => `${service} :${port}`);
  const next = (demo.releases.get(4)?.number ?? 4) + 1;
  const lines = [
    screen.bold('Open'),
    `  ${addressOf(demo, 'production')}  the shop in production`,
    `  ${addressOf(demo, 'pre-release')}  pre-release`,
    `  ${addressOf(demo, 'test')}  the test environment`,
    `  ${gatewayUrl}/api/docs  the API`,
    `  ${services.join('  ')}  each with /metrics and /health/ready`,
    `  ${demo.dataDir.logs}  their logs`,
    '',
    screen.bold('Try, as the operator'),
    `  export SLIPWAY_URL=${gatewayUrl} SLIPWAY_TOKEN_FILE=${tokenFile}`,
    '  npx slipway release list --project shop',
    `  npx slipway release show shop/${next - 1}`,
    '  npx slipway environment show shop production',
    '',
    screen.bold('Commit something of your own'),
    `  ${demo.source.byHand}`,
    `  npx slipway release watch shop/${next}`,
    '',
    'It stays up until Ctrl-C.',
  ];
  screen.say(lines.map((line) => `  ${line}`).join('\n'));
  await end.asked;
}

async function tidyUp(options: Options): Promise<boolean> {
  if (cleanup.left.length > 0) screen.say(options.keep ? '\n  Stopping; data, logs and containers stay.' : '\n  Tidying up.');
  const failed = await cleanup.run();
  for (const what of failed) screen.say(`  could not: ${what}`);
  return failed.length === 0;
}
