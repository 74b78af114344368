import { Cleanup, exitCodeOf, listenForEnd } from '../../tools/parts/cleanup.ts';
import { busyAtMost, busyShare, loads, machine } from './conditions.ts';
import { measureHop } from './hop.ts';
import { measureIdle } from './idle.ts';
import { type Options, readOptions } from './options.ts';
import { measurePath } from './path.ts';
import { makePlace, type Place, startServices } from './place.ts';
import { measureReady } from './ready.ts';
import { driftingBaselines, reportOf, writeDown } from './report.ts';
import { type Figure, passes } from './rounds.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const cleanup = new Cleanup();
const end = listenForEnd(() => process.exit(1));

process.exitCode = await exitCodeOf(async () => run(readOptions(process.argv.slice(2))), { cleanup, say });
end.release();

/** Measures and reports. Gives 1 where a gate is missed or the figures cannot be trusted. */
async function run(options: Options): Promise<number> {
  const at = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const [loadBefore, busyBefore] = [loads(), await busyShare()];
  const doubts: string[] = [];
  if (busyBefore > busyAtMost) doubts.push(`the machine was busy before the start (${(busyBefore * 100).toFixed(0)} % of all cores)`);
  if (doubts.length > 0 && !options.anyway)
    throw new Error(`${doubts[0]}: wait until it is quiet, or say --anyway, which the report then says too.`);
  const place = await makePlace(cleanup, end.throwIfAsked, say);
  const told = await machine(place.parts);
  const figures = await measure(place, options);
  doubts.push(...driftingBaselines(figures));
  const report = reportOf(figures, { at, machine: told, loadBefore, loadAfter: loads(), busyBefore, doubts });
  if (doubts.length > 0 && !options.anyway) throw new Error(`There is no report, because ${doubts.join('; ')}.`);
  process.stdout.write(`${report}\n`);
  if (options.write) say(`written into ${await writeDown(report)}`);
  return figures.some((figure) => passes(figure) === false) || doubts.length > 0 ? 1 : 0;
}

async function measure(place: Place, options: Options): Promise<Figure[]> {
  const { rounds } = options;
  const wants = (kind: Options['only'][number]) => options.only.includes(kind);
  const figures: Figure[] = [];
  const tell = (name: string) => (text: string) => {
    end.throwIfAsked();
    say(`${name}: ${text}`);
  };
  if (wants('hop')) {
    const own = new Cleanup();
    figures.push(
      await measureHop({ ...place, cleanup: own }, { rounds, samples: options.samples, tell: tell('hop') }).finally(() => own.run()),
    );
  }
  if (wants('ready')) figures.push(await measureReady(place, { rounds, tell: tell('ready') }));
  if (!wants('path') && !wants('idle')) return figures;
  const suite = await startServices(place, place.cleanup);
  if (wants('path')) figures.push(await measurePath(place, { rounds, tell: tell('path') }));
  if (wants('idle')) figures.push(...(await measureIdle(place, suite, { rounds, seconds: options.seconds, tell: tell('idle') })));
  return figures;
}
