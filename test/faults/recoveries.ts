import { services } from '@slipway/contracts';
import type { Pass } from './crash/board.ts';
import { type Durations, durationsOf, progressAfter } from './crash/recovery.ts';
import type { Planned } from './plan.js';
import type { Killed } from './process-faults.js';
import type { Recovered } from './recovery-lap.ts';

/** What waits for a processor, per processor, from which on a machine says nothing about how fast a service gets on. */
export const overloaded = 6;

/** What is aimed at, from the kill to the first event taken in. */
export const aimMs = 8_000;

/** How fast a service got on after all its processes were killed. */
export interface ServiceRecovery {
  readonly service: string;
  readonly kills: number;
  /** To the first thing committed or published; on a machine that was not overloaded if it ever was one. */
  readonly progress: Durations | undefined;
  /** To the first event taken in. */
  readonly hearing: Durations | undefined;
  /** Kills after which it did not get on within a minute. */
  readonly never: number;
  /** Kills on an overloaded machine. */
  readonly onOverloaded: number;
  /** To the first event taken in, after these. */
  readonly slow: Durations | undefined;
  /** `late`: longer than the gate, or never. `not measured`: no kill of it says anything. On an overloaded machine whoever was in time says so, whoever was late nothing. */
  readonly state: 'in time' | 'late' | 'not measured';
}

/** Holds every service against the gate: one that was not measured is none that was in time. */
export function judgeRecoveries(recovered: readonly Recovered[], gateMs: number): ServiceRecovery[] {
  return services.map((service) => {
    const all = recovered.filter((one) => one.service === service);
    const [quiet, laden] = [all.filter(({ load }) => load <= overloaded), all.filter(({ load }) => load > overloaded)];
    const told = quiet.length > 0 ? quiet : laden;
    const progress = durationsOf(told.flatMap(({ progressMs }) => progressMs ?? []));
    const hearing = durationsOf(told.flatMap(({ hearingMs }) => hearingMs ?? []));
    const never = told.filter(({ progressMs, hearingMs }) => progressMs === undefined || hearingMs === undefined).length;
    const slow = durationsOf(laden.flatMap(({ hearingMs }) => hearingMs ?? []));
    const isInTime = never === 0 && Math.max(progress?.mostMs ?? 0, hearing?.mostMs ?? 0) <= gateMs;
    const state = told.length > 0 && isInTime ? 'in time' : quiet.length > 0 ? 'late' : 'not measured';
    return { service, kills: all.length, progress, hearing, never, onOverloaded: laden.length, slow, state };
  });
}

/** How long services took to their next progress after the kills of a plan: with other work left by other faults, or none at all, to do. It is told, not judged. */
export interface UnderFaults {
  /** After all processes of a service were killed. */
  readonly service: Durations | undefined;
  /** After one of several was: the others go on. */
  readonly replica: Durations | undefined;
}

/**
 * Measures every kill after which nothing else was amiss until the service got on: what a service cannot do because its database is away says nothing of its
 * recovery. `disturbed` are spans by the same clock.
 */
export function underFaults(
  passes: readonly Pass[],
  kills: readonly (Omit<Killed, 'service'> & { readonly service: string; readonly pid?: number })[],
  disturbed: readonly { readonly from: number; readonly to: number }[],
): UnderFaults {
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
