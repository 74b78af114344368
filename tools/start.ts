import { join } from 'node:path';
import { Cleanup, Interrupted, listenForEnd } from './parts/cleanup.ts';
import { type DataDir, openDataDir } from './parts/data-dir.ts';
import { startParts } from './parts/index.ts';
import { messageOf } from './parts/until.ts';
import { administratorLink } from './suite/administrator.ts';
import { prepareEnvironment, type SuiteEnvironment } from './suite/environment.ts';
import { type Options, readOptions } from './suite/options.ts';
import { missingServices, root } from './suite/services.ts';
import { startSuite } from './suite/suite.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const cleanup = new Cleanup();
const end = listenForEnd(() => {
  say(`Still stopping (${cleanup.left.at(-1) ?? 'almost done'}). Ending at once; what is left is ended at the next start.`);
  process.exit(1);
});

process.exitCode = await main();
end.release();

async function main(): Promise<number> {
  let code = 0;
  try {
    await run(readOptions(process.argv.slice(2)));
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      process.stderr.write(`${messageOf(error)}\n`);
      code = 1;
    }
  }
  say('Stopping. What was deployed goes on running.');
  const failed = await cleanup.run();
  for (const what of failed) say(`could not ${what}`);
  return code || (failed.length > 0 ? 1 : 0);
}

/** Starts everything, says where it is, and waits until asked to end. */
async function run({ oneProcess, replicas }: Options): Promise<void> {
  const dataDir = await openDataDir(process.env['SLIPWAY_DATA_DIR'] || join(root, '.slipway'), 'npm start');
  cleanup.defer('close the data folder', () => dataDir.close());
  say(`Data, keys and logs: ${dataDir.path}`);
  const parts = await startParts({
    dataDir,
    durable: true,
    dockerKind: 'machine',
    kafkaHeapMiB: 512,
    cleanup,
    onUp: ({ name, url, ours }) => say(`  ${name.padEnd(9)} ${ours ? 'started' : 'found'}  ${url.replace(/\/\/[^@/]*@/, '//')}`),
  });
  end.throwIfAsked();
  const environment = await prepareEnvironment(dataDir, parts, { replicas });
  await startSuite({
    dataDir,
    environment,
    oneProcess,
    cleanup,
    tell: say,
    stillWorthIt: end.throwIfAsked,
    onReady: (service) => say(`  ${service} is ready`),
  });
  await welcome(environment, dataDir, parts.postgres.ours);
  await end.asked;
}

async function welcome(environment: SuiteEnvironment, dataDir: DataDir, embedded: boolean): Promise<void> {
  const missing = missingServices();
  if (missing.length > 0) say(`Not built, so not running: ${missing.join(', ')}`);
  if (embedded)
    say('Postgres is the embedded one: good for trying out. For lasting use name a Postgres of your own, with backups, in DATABASE_URL.');
  const link = await administratorLink(dataDir);
  say(`\nSlipway answers at ${environment.gatewayUrl} (API: ${environment.gatewayUrl}/api/docs)`);
  if (link !== undefined) say(`Become its administrator, once: ${link}`);
  say('Ctrl-C stops it.');
}
