import type { Applied, Instance } from '@slipway/orchestrators';
import type { Goal } from './goal.js';
import type { Failure } from './verdict.js';

/** What was seen of one instance so far. */
interface Track {
  /** Counted time when it was first seen. */
  readonly since: number;
  readonly everHealthy: boolean;
  readonly crashes: number;
  readonly id: string;
  readonly restarts: number;
  readonly wasStopped: boolean;
}

/** Per instance name. Names are deterministic, so a replaced container keeps its record. */
export type Tracks = Readonly<Record<string, Track>>;

/** How often an instance may end by itself before the release is called broken. */
export const crashesAllowed = 3;
/** Failed probes in a row that count as unhealthy once the grace is over. */
export const failuresAllowed = 3;

/** Nothing seen yet. */
export function beginTracks(): Tracks {
  return {};
}

/** Signs that it cannot become well, each as early as it is certain. `now` is counted time. */
export function findFailure(goal: Goal, before: Tracks, applied: Applied, now: number): { tracks: Tracks; failure?: Failure } {
  const own = applied.instances.filter((instance) => instance.digest === goal.digest);
  const tracks = Object.fromEntries(own.map((instance) => [instance.name, follow(before[instance.name], instance, now)]));
  if (applied.progress === 'refused')
    return { tracks, failure: { code: `refused-${applied.refusal.kind}`, message: applied.refusal.reason, instances: [] } };
  if (applied.progress === 'converged') {
    const wrong = applied.instances.filter((instance) => instance.digest !== goal.digest);
    if (wrong.length > 0) {
      const names = wrong.map((instance) => instance.name);
      return {
        tracks,
        failure: {
          code: 'wrong-digest',
          message: `the target calls it done and runs ${wrong[0]?.digest} instead of ${goal.digest}`,
          instances: names,
        },
      };
    }
  }
  for (const instance of own) {
    const track = tracks[instance.name];
    const failure = track && judge(goal, track, instance, now);
    if (failure) return { tracks, failure };
  }
  return { tracks };
}

function follow(before: Track | undefined, instance: Instance, now: number): Track {
  const stopped = instance.state === 'stopped';
  // What happened before we looked may be months old: only what is seen counts.
  if (before === undefined) {
    return {
      since: now,
      everHealthy: instance.healthy,
      crashes: stopped ? 1 : 0,
      id: instance.id,
      restarts: instance.restarts,
      wasStopped: stopped,
    };
  }
  const same = before.id === instance.id;
  const restarted = same ? Math.max(0, instance.restarts - before.restarts) : instance.restarts;
  const ended = stopped && !(same && before.wasStopped) ? 1 : 0;
  return {
    since: before.since,
    everHealthy: before.everHealthy || instance.healthy,
    crashes: before.crashes + restarted + ended,
    id: instance.id,
    restarts: instance.restarts,
    wasStopped: stopped,
  };
}

function judge(goal: Goal, track: Track, instance: Instance, now: number): Failure | undefined {
  const graceOver = track.everHealthy || now - track.since > goal.graceMs;
  if (track.crashes >= crashesAllowed && graceOver && !instance.healthy) {
    const how = instance.outOfMemory ? 'ran out of memory' : `ended with exit code ${instance.exitCode ?? 'unknown'}`;
    return { code: 'crashed', message: `${instance.name} ${how}, ${track.crashes} times`, instances: [instance.name] };
  }
  if (!instance.healthy && instance.failures >= failuresAllowed && now - track.since > goal.graceMs) {
    const last = instance.probe?.error ?? (instance.probe?.status === undefined ? 'no answer' : `HTTP ${instance.probe.status}`);
    const word = track.everHealthy ? 'is no longer healthy' : 'never got healthy';
    return { code: 'never-healthy', message: `${instance.name} ${word}: ${last}`, instances: [instance.name] };
  }
  return undefined;
}

/** Grows while things get better: instances of the goal that exist, are healthy and serve, and others that are gone. */
export function progressScore(goal: Goal, applied: Applied): number {
  let score = 0;
  let others = 0;
  for (const instance of applied.instances) {
    if (instance.digest !== goal.digest) others += 1;
    else score += 1 + (instance.healthy ? 1 : 0) + (instance.inService ? 1 : 0);
  }
  return score * 1000 - others;
}
