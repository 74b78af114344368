import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '../../tools/parts/until.ts';
import { type End, judge, LoadLog, releaseEnds, storiesOf, type Verdict, writeHistory } from '../history/index.ts';
import { readPoint } from './crash/board.ts';
import { now } from './crash/files.ts';
import { Passes } from './crash/passes.ts';
import { endsOf } from './ends.ts';
import type { FaultContext, FaultKind, FaultyParts } from './fault.js';
import { faultyGround, type Ground, type GroundWish } from './ground.ts';
import { drained, historyOf, witnessOf } from './judging.ts';
import { aCrowd } from './load/crowd.ts';
import { Load } from './load/load.ts';
import { isOneOf, type Options } from './options.ts';
import { bounds, planOf } from './plan.js';
import { type Killed, processFaults } from './process-faults.js';
import { disturbances, type UnderFaults, underFaults } from './recoveries.ts';
import { machineLoad, type Recovered, recoveryLap } from './recovery-lap.ts';
import { told } from './report.ts';
import { type Done, runPlan } from './run-plan.ts';

const readyMs = 90_000;

/** What came of a run by a plan. */
export interface Hurt {
  readonly done: readonly Done[];
  /** Kinds of faults there could have been, but for those that are only asked for by name. */
  readonly kinds: readonly Pick<FaultKind, 'name' | 'weight'>[];
  /** Kinds of faults that cannot be had on this machine, with the reason. */
  readonly missing: readonly string[];
  /** How many releases are where. */
  readonly releases: Readonly<Record<string, number>>;
  /** What each of them came to, and whether rightly. */
  readonly ends: readonly End[];
  /** After the plan every service was killed with nothing else amiss. */
  readonly recovered: readonly Recovered[];
  /** After kills of the plan. */
  readonly underFaults: UnderFaults;
  readonly killed: number;
  /** Crash points that were armed in the plan, and those at which a process ended. */
  readonly armed: number;
  readonly reached: readonly string[];
  /** What waited for a processor, per processor: before anything of the run was started, and meanwhile. */
  readonly load: { readonly before: number; readonly median: number; readonly most: number };
  /** Answers load clients got, by status; 0 where none came. */
  readonly answers: Readonly<Record<string, number>>;
  /** From the last fault's end until nothing was left to do; undefined where something still was after a minute. */
  readonly drainedMs: number | undefined;
  readonly verdict: Verdict;
  readonly stories: readonly string[];
  /** Where the history lies, if it was asked for or a promise did not hold. */
  readonly historyFile: string | undefined;
}

/** Hurts a suite under load by the plan of the seed, and judges what came of it. */
export async function hurt(options: Options, points: readonly string[], wish: GroundWish): Promise<Hurt> {
  const { say, signal, cleanup } = wish;
  const loads = [machineLoad()];
  const ground = await faultyGround(wish);
  const { suite, board, parts } = ground;
  const kills: Killed[] = [];
  const kinds = kindsFor(options, points, ground, parts, kills);
  const plan = planOf(options.seed, options.minutes, kinds);
  const log = new LoadLog(join(suite.dataDir.path, 'load.jsonl'));
  const witness = await witnessOf(suite, parts.straight, `faults of seed ${options.seed} for ${options.minutes} min`);
  cleanup.defer('stop the witness', () => witness.stop());
  const crowd = await aCrowd(suite, log, cleanup);
  const load = new Load({ ...crowd, suite, log, seed: options.seed, pushEveryMs: options.pushEveryMs, say });
  load.start();
  cleanup.defer('stop the load', () => load.stop(), 120_000);
  say(`${plan.length} faults in ${options.minutes} min, ${suite.replicas.length} processes, ${crowd.shops.length} projects`);
  const begun = now();
  const passes = new Passes(board);
  const left = (seconds: number) => {
    loads.push(machineLoad());
    say(`${Math.round(seconds)} s left; releases: ${told(endsOf(suite.ear))}`);
  };
  const hold: FaultContext['hold'] = (fits, within) =>
    board.hold(
      points.filter((point) => fits.test(point)),
      within,
      signal,
    );
  const done = await runPlan({ plan, suite, hold, signal, say, left });
  await Promise.all(suite.replicas.map((replica) => replica.ready(readyMs)));
  say('the plan is over; every service is killed once more, with nothing else amiss');
  await settled(signal);
  const { token, name } = await suite.join({ name: 'Mona Metronome', emails: ['mona@example.org'], roles: ['operator'] });
  const project = (crowd.shops[0] as (typeof crowd.shops)[number]).name;
  const recovered = await recoveryLap({ suite, passes, rounds: roundsOf(options.minutes), token, project, signal, say });
  const canaries = [...crowd.canaries, { name: `token of ${name}`, value: token }];
  const faultsEnded = new Date();
  say('the last fault is over; people stop, and everything is to be done within a minute');
  await load.stop();
  const drainedMs = await drained(suite, parts.straight, { since: faultsEnded, signal, say });
  const repositories = crowd.shops.map(({ name: project, folder, system }) => ({ project, folder, system }));
  const history = await historyOf(witness, suite, { load: log, repositories, canaries, faultsEnded });
  const verdict = judge(history);
  const ends = releaseEnds(history);
  const wronged = ends.flatMap(({ release, wrong }) => (wrong.length > 0 ? [release.id] : []));
  const besides = verdict.allHeld && wronged.length === 0 ? undefined : join(tmpdir(), `faults-${options.seed}-${Date.now()}.history.gz`);
  const historyFile = options.history ?? besides;
  if (historyFile !== undefined) await writeHistory(history, historyFile);
  const atPoints = (await board.killed()).map((pass) => ({
    ...pass,
    service: readPoint(pass.point).service,
    whole: options.replicas === 1,
  }));
  const broken = verdict.findings.flatMap(({ breaches }) => breaches);
  return {
    done,
    kinds: kinds.map(({ name, weight }) => ({ name, ...(weight !== undefined && { weight }) })),
    missing: parts.missing.filter((name) => isOneOf(options.only, name)),
    releases: endsOf(suite.ear),
    ends,
    recovered,
    underFaults: underFaults(await passes.all(), [...kills, ...atPoints], disturbances(plan, begun)),
    killed: kills.length + atPoints.length,
    armed: done.filter(({ kind }) => kind === 'killed at a crash point').length,
    reached: atPoints.map(({ point }) => point),
    load: {
      before: loads[0] as number,
      median: loads.toSorted((one, other) => one - other)[loads.length >> 1] as number,
      most: Math.max(...loads),
    },
    answers: answersOf(log),
    drainedMs,
    verdict,
    stories: storiesOf(history, broken, wronged),
    historyFile,
  };
}

/** One round for a short run, three for a long one. */
function roundsOf(minutes: number): number {
  return Math.min(3, Math.max(1, Math.floor(minutes / 5)));
}

/** What the last faults left undone is on its way again. */
async function settled(signal: AbortSignal): Promise<void> {
  for (let seconds = 0; seconds < bounds.quietFor; seconds += 1) {
    await pause(1000);
    signal.throwIfAborted();
  }
}

function kindsFor(options: Options, points: readonly string[], { board }: Ground, parts: FaultyParts, kills: Killed[]): FaultKind[] {
  const { replicas, only } = options;
  const own = processFaults({ replicas, points, board, parts, killed: (kill) => kills.push(kill) });
  return [...own, ...parts.kinds].filter(({ name, weight }) => isOneOf(only, name) && weight !== 0);
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
