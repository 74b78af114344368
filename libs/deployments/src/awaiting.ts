import type { TargetUnavailable } from '@slipway/orchestrators';
import type { RolloutRun } from './roll-out.js';

/** To be taken up again, as libs/operations wants to hear it, with the part that is awaited where one does not answer. */
interface Later {
  readonly again: {
    readonly afterMs: number;
    readonly reason: string;
    readonly away?: { readonly part: string; readonly environment: string; readonly forMs?: number };
  };
}

/** The target, or the registry behind it, did not do what was asked, or did not answer: nothing is known, nothing is held against anybody, and it is tried again. */
export function awaiting({ part, message }: TargetUnavailable, environment: string, afterMs: number): Later {
  return { again: { afterMs, reason: `${part}: ${message}`, away: { part, environment } } };
}

/** A run that has reached no verdict goes on later. */
export function goingOn({ afterMs, reason, away }: Extract<RolloutRun, { ended: false }>, environment: string): Later {
  return { again: { afterMs, reason, ...(away !== undefined && { away: { ...away, environment } }) } };
}

/** Somebody else acts in the environment, or a call of his may still be under way. */
export const inOtherHands = { again: { afterMs: 300, reason: 'the environment is in other hands' } } as const;
