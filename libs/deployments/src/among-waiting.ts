/** What waits for environments, in a table whose rows have seals. */
interface WaitingRows<Tx, Row> {
  /** Oldest first, and no seal was looked at. */
  waiting(tx: Tx, project: string, environment: string): Promise<readonly Row[]>;
  /** Those of these that wait and are believed. */
  believedOf(tx: Tx, ids: readonly string[]): Promise<readonly string[]>;
}

/**
 * Decides about what waits for an environment, by what is believed. To load all of it for the seals would be too much, so that is done with those of it that
 * a decision names, and where one is not believed it is made again without it: a row that somebody else wrote holds nobody up.
 */
export async function amongWaiting<Tx, Row extends { readonly id: string }, T>(
  rows: WaitingRows<Tx, Row>,
  tx: Tx,
  { project, environment }: { readonly project: string; readonly environment: string },
  decide: (waiting: readonly Row[]) => T,
  named: (decision: T) => readonly Row[],
): Promise<T> {
  let waiting = await rows.waiting(tx, project, environment);
  for (;;) {
    const decision = decide(waiting);
    const ids = named(decision).map(({ id }) => id);
    const believed = new Set(ids.length === 0 ? [] : await rows.believedOf(tx, ids));
    if (ids.every((id) => believed.has(id))) return decision;
    waiting = waiting.filter(({ id }) => !ids.includes(id) || believed.has(id));
  }
}
