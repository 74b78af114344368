import { setTimeout as wait } from 'node:timers/promises';

/**
 * Tries `fn` until it neither throws nor answers false, and returns its answer. This is how a test waits: for a condition with a deadline,
 * never for a time. Fails with what was wrong last. `within` and `every` in ms, 10 000 and 50 by default.
 */
export async function eventually<T>(
  fn: () => T | Promise<T>,
  { within = 10_000, every = 50 }: { within?: number; every?: number } = {},
): Promise<Exclude<T, false>> {
  const deadline = performance.now() + within;
  const here = new Error('not so in time');
  let last: unknown = 'it answered nothing at all';
  let tries = 0;
  const stop = new AbortController();
  const late = wait(within, 'late' as const, { signal: stop.signal }).catch(() => 'late' as const);
  try {
    do {
      tries++;
      const answer = await Promise.race([Promise.resolve().then(fn).then(asAnswer, asProblem), late]);
      if (answer === 'late') break;
      if ('value' in answer) return answer.value as Exclude<T, false>;
      last = answer.problem;
      await wait(Math.max(0, Math.min(every, deadline - performance.now())));
    } while (performance.now() < deadline);
  } finally {
    stop.abort();
  }
  const words = last instanceof Error ? last.message : String(last);
  here.message = `not so within ${within} ms (${tries} ${tries === 1 ? 'try' : 'tries'}); last: ${words}`;
  here.cause = last;
  throw here;
}

function asAnswer<T>(value: T): { value: T } | { problem: unknown } {
  return value === false ? { problem: 'it answered false' } : { value };
}

function asProblem(problem: unknown): { problem: unknown } {
  return { problem };
}
