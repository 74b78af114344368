import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, until } from '../../tools/parts/until.ts';
import { type Breach, judge, LoadLog, leftToDo, story, type Verdict, Witness, writeHistory } from '../history/index.ts';
import { readPoint } from './crash/board.ts';
import { now } from './crash/files.ts';
import { endsOf } from './ends.ts';
import type { FaultyParts } from './fault.js';
import { faultyGround, type Ground, type GroundWish } from './ground.ts';
import { aCrowd } from './load/crowd.ts';
import { Load } from './load/load.ts';
import type { Options } from './options.ts';
import { type Planned, planOf } from './plan.js';
import { type Killed, processFaults } from './process-faults.js';
import { disturbances, type Recoveries, recoveriesOf } from './recoveries.ts';
import { type Done, runPlan } from './run-plan.ts';

/** How long after the last fault everything may take to be said, read and done (promise 6). */
const drainMs = 60_000;
const readyMs = 90_000;

/** What came of a run by a plan. */
export interface Hurt {
  readonly done: readonly Done[];
  /** How many releases are where. */
  readonly releases: Readonly<Record<string, number>>;
  readonly recoveries: Recoveries;
  readonly killed: number;
  /** Answers load clients got, by status; 0 where none came. */
  readonly answers: Readonly<Record<string, number>>;
  /** From the last fault's end until nothing was left to do; undefined where something still was after a minute. */
  readonly drainedMs: number | undefined;
  readonly verdict: Verdict;
  readonly stories: readonly string[];
  /** Where the history lies, if a promise did not hold. */
  readonly historyFile: string | undefined;
}

/** Hurts a suite under load by the plan of the seed, and judges what came of it. */
export async function hurt(options: Options, points: readonly string[], wish: GroundWish): Promise<Hurt> {
  const { say, signal, cleanup } = wish;
  const ground = await faultyGround(wish);
  const { suite, board, parts } = ground;
  const kills: Killed[] = [];
  const plan = planFor(options, points, ground, parts, kills);
  const log = new LoadLog(join(suite.dataDir.path, 'load.jsonl'));
  const witness = await witnessOf(ground, parts, options);
  cleanup.defer('stop the witness', () => witness.stop());
  const crowd = await aCrowd(suite, log, cleanup);
  const load = new Load({ ...crowd, suite, log, seed: options.seed, pushEveryMs: options.pushEveryMs, say });
  load.start();
  cleanup.defer('stop the load', () => load.stop(), 120_000);
  say(`${plan.length} faults in ${options.minutes} min, ${suite.replicas.length} processes, ${crowd.shops.length} projects`);
  const begun = now();
  const left = (seconds: number) => say(`${Math.round(seconds)} s left; releases: ${told(endsOf(suite.ear))}`);
  const done = await runPlan({ plan, suite, signal, say, left });
  await Promise.all(suite.replicas.map((replica) => replica.ready(readyMs)));
  const faultsEnded = new Date();
  say('the last fault is over; people stop, and everything is to be done within a minute');
  await load.stop();
  const drainedMs = await drained(ground, parts, faultsEnded, signal, say);
  const logs = (await readdir(suite.dataDir.logs)).map((name) => join(suite.dataDir.logs, name));
  const repositories = crowd.shops.map(({ name: project, folder, system }) => ({ project, folder, system }));
  const secretFolders = [join(suite.dataDir.path, 'secrets')];
  const history = await witness.history({ load: log, repositories, canaries: crowd.canaries, logFiles: logs, secretFolders, faultsEnded });
  const verdict = judge(history);
  const historyFile = verdict.allHeld ? undefined : join(tmpdir(), `faults-${options.seed}-${Date.now()}.history.gz`);
  if (historyFile !== undefined) await writeHistory(history, historyFile);
  const atPoints = (await board.killed()).map((pass) => ({
    ...pass,
    service: readPoint(pass.point).service,
    whole: options.replicas === 1,
  }));
  const broken = verdict.findings.flatMap(({ breaches }) => breaches);
  return {
    done,
    releases: endsOf(suite.ear),
    recoveries: await recoveriesOf(board, [...kills, ...atPoints], disturbances(plan, begun)),
    killed: kills.length + atPoints.length,
    answers: answersOf(log),
    drainedMs,
    verdict,
    stories: [...new Set(broken.flatMap(({ release }: Breach) => release ?? []))].slice(0, 5).map((release) => story(history, release)),
    historyFile,
  };
}

function planFor(options: Options, points: readonly string[], { board }: Ground, parts: FaultyParts, kills: Killed[]): Planned[] {
  const { replicas, only, seed, minutes } = options;
  const own = processFaults({ replicas, points, board, parts, killed: (kill) => kills.push(kill) });
  const kinds = [...own, ...parts.kinds].filter(({ name, weight }) => name.includes(only) && weight !== 0);
  return planOf(seed, minutes, kinds);
}

function witnessOf({ suite }: Ground, { straight }: FaultyParts, { seed, minutes }: Options): Promise<Witness> {
  return Witness.start({
    title: `faults of seed ${seed} for ${minutes} min`,
    databaseUrl: suite.databaseUrl,
    kafkaBrokers: straight.kafkaBrokers,
    topicPrefix: suite.topicPrefix,
    dockerHost: straight.dockerHost,
    registry: straight.registry,
    installation: suite.installation,
    trustFile: suite.environment.trustFile,
  });
}

async function drained(
  { suite }: Ground,
  { straight }: FaultyParts,
  since: Date,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<number | undefined> {
  const at = { databaseUrl: suite.databaseUrl, kafkaBrokers: straight.kafkaBrokers, topicPrefix: suite.topicPrefix };
  const isDone = async () => {
    const left = await leftToDo(at);
    if (Object.keys(left).length > 0) throw new Error(told(left));
    return true;
  };
  try {
    await until('nothing is left to do', isDone, { within: drainMs, every: 500, stillWorthIt: () => signal.throwIfAborted() });
    return Date.now() - since.getTime();
  } catch (error) {
    signal.throwIfAborted();
    say(messageOf(error));
    return undefined;
  }
}

function answersOf(log: LoadLog): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const seen of log.seen) {
    if (!('status' in seen)) continue;
    const what = `${seen.kind} ${seen.status}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  return counts;
}

export function told(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ') || 'none'
  );
}
