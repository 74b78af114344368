import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cleanup, exitCodeOf, listenForEnd } from '../../tools/parts/cleanup.ts';
import { messageOf } from '../../tools/parts/until.ts';
import { LoadLog, verdictText } from '../history/index.ts';
import { type Recorded, recordPoints } from './crash/record.ts';
import { type GroundWish, plainGround } from './ground.ts';
import { hurt } from './hurt.ts';
import type { Lane } from './load/lane.ts';
import { type Options, readOptions } from './options.ts';
import { inAWorldOfItsOwn } from './parts/own-world.ts';
import { exitCodes, type Report, writeReport } from './report.ts';
import { reportOfHurt } from './report-of-hurt.ts';
import { reportOfSweep } from './report-of-sweep.ts';
import { lanesOf, sweepPoints } from './sweep-points.ts';

const pointsFile = join(import.meta.dirname, 'crash/points.json');
const unreachedFile = join(import.meta.dirname, 'crash/unreached.json');
const begun = performance.now();
const say = (text: string): void => void process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)}  ${text}\n`);
/** From kill -9 of any service to its new progress, at most. */
const gateMs = 15_000;

// What is still open when everything was given back keeps nobody: Node would wait for it, and spins for ever over a request whose handle is gone.
process.exit(await main());

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 2;
  }
  if (options.mode === 'plan') {
    const ended = await inAWorldOfItsOwn();
    if (ended !== undefined) return ended;
  }
  const cleanup = new Cleanup();
  const end = listenForEnd(() => process.exit(1));
  const code = await exitCodeOf(async () => run(options, { replicas: options.replicas, cleanup, signal: end.abort, say }), {
    ...{ cleanup, say },
    wordsOf: (error) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  end.release();
  return code;
}

async function run(options: Options, wish: GroundWish): Promise<number> {
  if (options.mode === 'record') return await record(options, wish);
  const recorded = await readPoints();
  if (options.mode === 'points') {
    const unreached = JSON.parse(await readFile(unreachedFile, 'utf8')) as string[];
    const swept = await sweepPoints(options, recorded, wish);
    const report = await reportOfSweep(options, { ...swept, unreached, gateMs });
    process.stdout.write(`${report.markdown}\n`);
    for (const text of swept.words) process.stdout.write(`\n${text}\n`);
    return await ended(options, report);
  }
  const result = await hurt(options, Object.keys(recorded), wish);
  const report = await reportOfHurt(options, result, gateMs);
  process.stdout.write(`${report.markdown}\n${verdictText(result.verdict)}\n`);
  for (const text of result.stories) process.stdout.write(`\n${text}\n`);
  if (result.historyFile !== undefined) say(`the history: ${result.historyFile}`);
  return await ended(options, report);
}

async function ended(options: Options, report: Report): Promise<number> {
  if (options.write) say(`written to ${(await writeReport(report)).join(' and ')}`);
  return exitCodes[report.outcome];
}

/** Finds the points anew, and keeps them for plans and sweeps. */
async function record({ only }: Options, wish: GroundWish): Promise<number> {
  const { suite, board } = await plainGround(wish);
  const { lanes } = await lanesOf(suite, 1, new LoadLog());
  const [lane] = lanes;
  const { recorded, failed } = await recordPoints(board, lane as Lane, { only, known: only === '' ? {} : await readPoints(), say });
  const points = Object.keys(recorded);
  // Reads the tables of every service: for this alone.
  const { unreachedBy } = await import('./crash/known-points.ts');
  const unreached = unreachedBy(points);
  await writeFile(pointsFile, `${JSON.stringify(recorded, null, 2)}\n`);
  await writeFile(unreachedFile, `${JSON.stringify(unreached, null, 2)}\n`);
  say(`${points.length} points in ${pointsFile}; ${unreached.length} places of the code that no story comes to in ${unreachedFile}`);
  for (const why of failed) say(`not told to its end: ${why}`);
  return failed.length === 0 ? 0 : 1;
}

async function readPoints(): Promise<Recorded> {
  if (!existsSync(pointsFile)) throw new Error('the crash points are not known yet: npm run faults -- --record');
  return JSON.parse(await readFile(pointsFile, 'utf8')) as Recorded;
}
