import type { Applied, Instance } from '@slipway/orchestrators';
import type { Goal } from './goal.js';
import type { Seen } from './rollout.js';

export const good = `sha256:${'a'.repeat(64)}`;
export const old = `sha256:${'b'.repeat(64)}`;
export const goal: Goal = { release: 'new', digest: good, instances: 2, stableMs: 1000, drainMs: 500, graceMs: 5000, everyMs: 500 };
export const lastGood: Goal = { ...goal, release: 'before', digest: old };

/** A healthy instance of the new release, changed as given. */
export function anInstance(given: Partial<Instance> = {}): Instance {
  const instance = {
    name: 'one',
    id: 'id-one',
    state: 'healthy',
    healthy: true,
    healthyForMs: 2000,
    runningForMs: 3000,
    failures: 0,
    digest: good,
    release: 'new',
    attempt: 1,
    configHash: 'c',
    inService: true,
    restarts: 0,
  } as const;
  return { ...instance, ...given };
}

/** What a look at these instances says. */
export function seenAs(instances: Instance[], given: { progress?: 'converged' | 'moving'; wanted?: number; at?: number } = {}): Seen {
  const environment = { project: 'shop', environment: 'production' };
  const ready = instances.filter((one) => one.healthy && one.inService).length;
  const observed = { environment, exists: true, instances, wanted: given.wanted ?? 2, ready, version: 'v', drift: [] };
  const applied: Applied =
    given.progress === 'moving' ? { ...observed, progress: 'moving', waitingFor: 'it' } : { ...observed, progress: 'converged' };
  return { kind: 'applied', at: given.at ?? 0, applied };
}

export const both = [anInstance(), anInstance({ name: 'two', id: 'id-two' })];
