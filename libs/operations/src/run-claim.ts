import { setTimeout as wait } from 'node:timers/promises';
import { isTransient } from '@slipway/postgres';
import type { ActiveClaim } from './active-claim.js';
import { type Met, PartUnavailable } from './away.js';
import { backOffMs, type Ending } from './claims.js';
import { Cancelled, LostClaim, LostPlace, ShuttingDown, TimeIsUp } from './errors.js';

/** What became of a claim: how it was settled, or `lost`, or `hung` when the work did not stop after it was told to. */
export type Result = { readonly outcome: Ending['end'] | 'lost' | 'hung'; readonly error?: Error };

/** How much longer than its longest call a work may take to stop. */
const stopGraceMs = 2_000;
/** How soon who lost his place looks again. */
const placeMs = 300;

/** Works on a claim to its end and writes the ending. Never throws. */
export async function runClaim(claim: ActiveClaim): Promise<Result> {
  try {
    const reached = await guarded(claim, () => work(claim));
    if (reached === 'hung') return { outcome: 'hung' };
    const { ending, error, met } = reached;
    if (ending === 'lost') return { outcome: 'lost' };
    return { outcome: await write(claim, ending, met), ...(error && { error }) };
  } finally {
    claim.end();
  }
}

type Reached = { ending: Ending | 'lost'; error?: Error; met?: Met | undefined };

async function work(claim: ActiveClaim): Promise<Reached> {
  const { row } = claim;
  const given = claim.work.attempts ?? Number.POSITIVE_INFINITY;
  try {
    if (row.cancel_reason !== null) return await afterCancel(claim, row.cancel_reason);
    if (row.closes_in !== null && row.closes_in <= 0) return await exhaust(claim, lastError(claim, claim.timeIsUp()));
    if (row.attempt >= given) return await exhaust(claim, lastError(claim, new Error('no attempts are left')));
    if (row.closes_in !== null) claim.closeIn(row.closes_in);
    const outcome = await claim.work.run(claim);
    if ('done' in outcome) return { ending: { end: 'done' } };
    if (claim.signal.reason instanceof Cancelled) return await afterCancel(claim, claim.signal.reason.message);
    if (claim.signal.reason instanceof ShuttingDown) return { ending: { end: 'handed-over' } };
    const { away, ...again } = outcome.again;
    return { ending: { end: 'again', ...again }, met: away && { ...away, reason: again.reason } };
  } catch (thrown) {
    return await afterError(claim, asError(thrown), given);
  }
}

async function afterError(claim: ActiveClaim, error: Error, given: number): Promise<Reached> {
  const reason: unknown = claim.signal.reason;
  if (claim.completed) return { ending: { end: 'done' }, error };
  if (claim.lost || error instanceof LostClaim) return { ending: 'lost' };
  if (reason instanceof ShuttingDown) return { ending: { end: 'handed-over' } };
  if (reason instanceof Cancelled) return await afterCancel(claim, reason.message);
  if (reason instanceof TimeIsUp) return await exhaust(claim, reason);
  if (error instanceof LostPlace) return { ending: { end: 'again', afterMs: placeMs, reason: error.message } };
  if (claim.row.attempt + 1 >= given) return await exhaust(claim, error);
  return errored(claim, error);
}

function errored(claim: ActiveClaim, error: Error): Reached {
  const met = error instanceof PartUnavailable ? { part: error.part, environment: null, reason: error.message } : undefined;
  const afterMs = backOffMs(claim.row.attempt + 1, met ? 'away' : 'errored');
  return { ending: { end: 'errored', afterMs, error: wordsOf(error) }, error, met };
}

async function exhaust(claim: ActiveClaim, error: Error): Promise<Reached> {
  claim.refresh();
  try {
    await claim.work.exhausted?.(claim, error);
    return { ending: { end: 'exhausted', error: wordsOf(error) }, error };
  } catch (thrown) {
    return afterwards(claim, asError(thrown));
  }
}

async function afterCancel(claim: ActiveClaim, reason: string): Promise<Reached> {
  claim.refresh();
  try {
    await claim.work.cancelled?.(claim, reason);
    return { ending: { end: 'cancelled' } };
  } catch (thrown) {
    return afterwards(claim, asError(thrown));
  }
}

/** `exhausted` and `cancelled` are called again until they succeed: the row says why, whoever claims it next. */
function afterwards(claim: ActiveClaim, error: Error): Reached {
  if (claim.lost || error instanceof LostClaim) return { ending: 'lost' };
  if (claim.signal.reason instanceof ShuttingDown) return { ending: { end: 'handed-over' } };
  return errored(claim, error);
}

/** Waits for the work, but once it was told to stop no longer than its longest call. Then its lease is left to run out: it may still be acting. */
async function guarded(claim: ActiveClaim, fn: () => Promise<Reached>): Promise<Reached | 'hung'> {
  const running = fn();
  const told = new AbortController();
  const hung = (async () => {
    for (;;) {
      const { signal } = claim;
      if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await wait(claim.work.callTimeoutMs + stopGraceMs, undefined, { signal: told.signal });
      if (claim.signal.aborted) return 'hung' as const; // else it goes on under a fresh signal
    }
  })();
  hung.catch(() => undefined);
  try {
    return await Promise.race([running, hung]);
  } finally {
    told.abort();
  }
}

/** Tries until it is written or the lease is over, after which somebody else goes on from what is written. */
async function write(claim: ActiveClaim, ending: Ending, met: Met | undefined): Promise<Result['outcome']> {
  if (claim.completed) return 'done';
  for (;;) {
    try {
      return (await claim.settle(ending, met)) ? ending.end : 'lost';
    } catch (error) {
      if (!isTransient(error) || claim.leaseLeft() === 0) return 'lost';
      await wait(300);
    }
  }
}

function lastError(claim: ActiveClaim, otherwise: Error): Error {
  if (claim.row.last_error === null) return otherwise;
  return new Error(`${otherwise.message}; last: ${claim.row.last_error}`, { cause: otherwise });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function wordsOf(error: Error): string {
  return error.message.slice(0, 1000);
}
