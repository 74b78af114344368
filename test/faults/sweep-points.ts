import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Canary, explain, LoadLog, type Verdict } from '../history/index.ts';
import type { SuiteOfProcesses } from './a-suite-of-processes.js';
import type { Recorded } from './crash/record.ts';
import { type Kill, sweep } from './crash/sweep.ts';
import { type Ground, type GroundWish, plainGround } from './ground.ts';
import { drained, historyOf, witnessOf } from './judging.ts';
import { Gateways } from './load/gateways.ts';
import { Lane, operatorsName } from './load/lane.ts';
import { isOneOf, type Options } from './options.ts';
import { chanceOf } from './plan.js';
import { circumstances } from './report.ts';

const laneCount = 5;

/** One sitting of a sweep: its kills happened to one suite, which was judged when they were over. */
export interface Sitting {
  readonly commit: string;
  readonly at: string;
  readonly kills: readonly Kill[];
  /** From the last kill until nothing was left to do; undefined where something still was after a minute. */
  readonly drainedMs?: number | undefined;
  readonly verdict: Verdict;
}

export interface SweptPoints {
  /** The points it was to be about. */
  readonly wanted: readonly string[];
  /** Of all sittings. */
  readonly sittings: readonly Sitting[];
  /** What the judge has to say of this one, where anything was amiss. */
  readonly words: readonly string[];
}

/** Kills a process at each point that is wanted and did not do well in an earlier sitting, and judges what came of it. */
export async function sweepPoints(options: Options, recorded: Recorded, wish: GroundWish): Promise<SweptPoints> {
  const all = chanceOf(options.seed).shuffled(Object.keys(recorded));
  const wanted = all.filter((point) => isOneOf(options.only, point)).slice(0, options.points);
  if (wanted.length === 0) throw new Error(`no crash point has "${options.only}" in its name: test/faults/crash/points.json has them all`);
  const before = await readState(options.state);
  const arrived = new Set(before.flatMap(({ kills }) => kills.flatMap(({ end, point }) => (end === 'arrived' ? [point] : []))));
  const points = wanted.filter((point) => !arrived.has(point));
  if (points.length === 0) return { wanted, sittings: before, words: [] };
  const ground = await plainGround(wish);
  const load = new LoadLog(join(ground.suite.dataDir.path, 'load.jsonl'));
  const witness = await witnessOf(ground.suite, ground.straight, `kill -9 at ${points.length} crash points`);
  wish.cleanup.defer('stop the witness', () => witness.stop());
  const { lanes, canaries } = await lanesOf(ground.suite, Math.min(laneCount, points.length), load);
  const kills = await killAtAll(points, lanes, ground, { options, recorded, wish });
  const { suite, straight } = ground;
  const faultsEnded = new Date();
  const drainedMs = await drained(suite, straight, { since: faultsEnded, signal: wish.signal, say: wish.say });
  const { repositories } = suite;
  const { verdict, amiss, words } = await explain(await historyOf(witness, suite, { load, repositories, canaries, faultsEnded }));
  const { commit, at } = await circumstances();
  const sittings = [...before, { commit, at, kills, drainedMs, verdict }];
  if (options.state !== undefined) await writeFile(options.state, `${JSON.stringify(sittings, null, 2)}\n`);
  return { wanted, sittings, words: amiss.length > 0 ? [words] : [] };
}

interface Killing {
  readonly options: Options;
  readonly recorded: Recorded;
  readonly wish: GroundWish;
}

async function killAtAll(
  points: readonly string[],
  lanes: readonly Lane[],
  { suite, board }: Ground,
  { options, recorded, wish: { say, signal } }: Killing,
): Promise<Kill[]> {
  const back = async (service: string): Promise<void> => {
    await Promise.all(suite.replicas.filter((replica) => replica.service === service).map((replica) => replica.ready(60_000)));
  };
  const until = performance.now() + options.minutes * 60_000;
  return await sweep({ board, lanes, recorded, points, say, stillWorthIt: () => signal.throwIfAborted(), back, until });
}

/** What earlier sittings of the same sweep did. */
async function readState(file: string | undefined): Promise<Sitting[]> {
  return file === undefined || !existsSync(file) ? [] : (JSON.parse(await readFile(file, 'utf8')) as Sitting[]);
}

/** Projects of their own, in each of which one release after the other is taken along by the same operator. */
export async function lanesOf(suite: SuiteOfProcesses, count: number, load: LoadLog): Promise<{ lanes: Lane[]; canaries: Canary[] }> {
  const { token } = await suite.join({ name: operatorsName, emails: ['olga@example.org'], roles: ['operator'] });
  const urls = suite.replicas.filter(({ service }) => service === 'gateway').map(({ url }) => url);
  const gateways = new Gateways(urls, token);
  const lanes = await Promise.all(Array.from({ length: count }, () => Lane.open(suite, gateways, load)));
  return { lanes, canaries: [{ name: `token of ${operatorsName}`, value: token }] };
}
