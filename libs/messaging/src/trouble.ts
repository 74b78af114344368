import { setTimeout as wait } from 'node:timers/promises';
import { RowNotBelieved } from '@slipway/identity';
import { isTransient } from '@slipway/postgres';
import { PublishFailed } from './event-log.js';
import { NotYet, Unhandleable } from './failures.js';

/** What an error in a handler means for the event. */
export type Trouble = 'transient' | 'permanent' | 'not-yet' | 'unknown';

/** Sorts whatever was thrown, which need not be an Error (facts/reliability.md 2.4). */
export function sort(thrown: unknown): Trouble {
  if (thrown instanceof NotYet) return 'not-yet';
  // Trying again mends no row; a dead letter waits until somebody has.
  if (thrown instanceof Unhandleable || thrown instanceof RowNotBelieved) return 'permanent';
  if (thrown instanceof PublishFailed && thrown.why === 'unavailable') return 'transient';
  return isTransient(thrown) ? 'transient' : 'unknown';
}

/** What to write down of whatever was thrown; never the data of the event. */
export function describe(thrown: unknown): { detail: string; stack?: string } {
  if (!(thrown instanceof Error)) return { detail: `threw ${String(thrown).slice(0, 500)}` };
  return { detail: `${thrown.name}: ${thrown.message}`.slice(0, 1900), stack: thrown.stack?.slice(0, 7900) };
}

/** Waits, unless the signal says that there is nothing left to wait for. Never throws. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

/** Exponential with full jitter, in ms. */
export function backOff(attempt: number, firstMs: number, mostMs: number): number {
  return firstMs / 2 + Math.random() * Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 20));
}

/**
 * The function's result, or an error when it takes too long. It is not stopped by that: whoever uses this makes what it did worthless
 * (the transaction is rolled back, the answer is ignored).
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
