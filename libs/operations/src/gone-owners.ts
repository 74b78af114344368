import type { Database } from '@slipway/postgres';

const lockOf = (owner: string): string => `worker ${owner}`;

/** Shows that the process of this owner lives, until its session is lost: an advisory lock, which Postgres frees as soon as the process is gone. */
export async function showOwner(database: Database, owner: string): Promise<void> {
  await database.locks.hold(lockOf(owner));
}

/**
 * Ends the leases of owners whose process is gone, so that what they held is taken over at once; what they armed keeps its time. A lease protects nothing
 * (docs/adr/0023): one who only lost his session renews it, or finds himself overtaken. A worker of the version before holds no such lock, and acts for as long
 * as its lease lasts: what was claimed with a `call_timeout_ms` may be its, and is left alone. Returns of how many.
 */
export async function endLeasesOfTheGone(database: Database): Promise<number> {
  const owners = await database.query<{ owner: string }>(
    "select distinct owner from operation where state = 'running' and owner is not null",
  );
  const gone = await database.locks.free(owners.map(({ owner }) => lockOf(owner)));
  if (gone.length === 0) return 0;
  const ended = await database.query(
    `update operation set due_at = now()
      where state = 'running' and 'worker ' || owner = any($1::text[]) and due_at > now() and call_timeout_ms = 0 returning id`,
    [gone],
  );
  return ended.length;
}
