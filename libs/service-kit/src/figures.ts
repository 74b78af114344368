/**
 * What gauges tell out of a table: asked for at most every `freshMs`, however many gauges and scrapes want it. Undefined when the database did not
 * answer within `withinMs`: the gauge then keeps its last value, for a gap would look like good news, and /metrics answers all the same.
 */
export function figures<T>(ask: () => Promise<T>, { freshMs = 5_000, withinMs = 3_000 } = {}): () => Promise<T | undefined> {
  let asked: Promise<T | undefined> | undefined;
  return () => {
    if (asked) return asked;
    asked = inTime(ask, withinMs);
    setTimeout(() => (asked = undefined), freshMs).unref();
    return asked;
  };
}

async function inTime<T>(ask: () => Promise<T>, withinMs: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), withinMs);
  try {
    return await Promise.race([ask(), late.promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
