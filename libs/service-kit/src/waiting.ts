import { setTimeout as pause } from 'node:timers/promises';

/** The service was told to stop while it still waited for a part. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/**
 * Tries until it works, with exponential back-off and full jitter from 0.2 to 5 s. Errors that `passes` is not true of are thrown on.
 * `onWait` hears why it waits, each time the reason changes. Throws Stopped when `signal` fires.
 */
export async function untilItWorks<T>(
  attempt: () => Promise<T>,
  how: { passes: (error: unknown) => boolean; onWait: (reason: string, error: unknown) => void; signal: AbortSignal },
): Promise<T> {
  let said = '';
  for (let failures = 0; ; failures++) {
    if (how.signal.aborted) throw new Stopped('told to stop while starting');
    try {
      return await attempt();
    } catch (error) {
      if (!how.passes(error)) throw error;
      const reason = reasonOf(error);
      if (reason !== said) how.onWait(reason, error);
      said = reason;
    }
    const most = Math.min(5_000, 200 * 2 ** failures);
    await pause(most / 2 + (Math.random() * most) / 2, undefined, { signal: how.signal }).catch(() => undefined);
  }
}

/** The message of an error; of several at once (a host name with two addresses) the first that says something. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message || error.name : String(error);
}

/** The end of the work, or an error after `ms`; the work itself goes on. */
export async function within(ms: number, work: unknown): Promise<void> {
  const ended = new AbortController();
  const late = pause(ms, undefined, { signal: ended.signal }).then(() => {
    throw new Error(`it took longer than ${ms} ms`);
  });
  late.catch(() => undefined);
  try {
    await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}
