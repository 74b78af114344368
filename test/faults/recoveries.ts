import type { Board } from './crash/board.ts';
import { type Durations, durationsOf, progressAfter } from './crash/recovery.ts';
import type { Planned } from './plan.js';
import type { Killed } from './process-faults.js';

/** How long services took to get on after they were killed. */
export interface Recoveries {
  /** After all processes of a service were killed. */
  readonly service: Durations | undefined;
  /** After one of several was: the others go on. */
  readonly replica: Durations | undefined;
}

/**
 * Measures every kill after which nothing else was amiss until the service got on: what a service cannot do because its database is away says nothing of its
 * recovery. `disturbed` are spans by the same clock.
 */
export async function recoveriesOf(
  board: Board,
  kills: readonly (Omit<Killed, 'service'> & { readonly service: string; readonly pid?: number })[],
  disturbed: readonly { readonly from: number; readonly to: number }[],
): Promise<Recoveries> {
  const passes = await board.news();
  const took = { service: [] as number[], replica: [] as number[] };
  for (const { service, at, whole, pid = 0 } of kills) {
    const progress = progressAfter({ point: `${service} · somewhere · at any time`, at, pid }, passes);
    if (progress === undefined || disturbed.some(({ from, to }) => from < progress.at && to > at)) continue;
    took[whole ? 'service' : 'replica'].push(progress.at - at);
  }
  return { service: durationsOf(took.service), replica: durationsOf(took.replica) };
}

/** Spans in which something else than a process was hurt. */
export function disturbances(plan: readonly Planned[], begun: number): { from: number; to: number }[] {
  return plan
    .filter(({ kind, seconds }) => kind.part !== 'service' || (seconds > 0 && kind.name !== 'killed at a crash point'))
    .map(({ at, seconds }) => ({ from: begun + at * 1000, to: begun + (at + seconds) * 1000 + 5_000 }));
}
