import type { Cause } from '@slipway/messaging';
import type { Database, Tx } from '@slipway/postgres';
import { v7 } from 'uuid';

/** Said after every commit that makes work due; workers listen. */
export const channel = 'operation';
/** Said after every commit that cancels what may be running; whoever runs something looks at its rows. */
export const cancelChannel = 'operation_cancelled';

export interface Owed {
  readonly kind: string;
  /**
   * What makes it this one: the same (kind, key) is owed once, for as long as it is not done and then for as long as it is kept, 90 days unless
   * set otherwise. No event can owe it again after that, for one so old is not handled (docs/adr/0011); who owes by himself, by the clock, must
   * look at a state of his own first. Deterministic: release, environment, attempt, step.
   */
  readonly key: string;
  /** JSON; what the work needs to know. Kept as first said. */
  readonly input: unknown;
  /** Not before this moment of the database's clock: a durable timer, kept to about a second. Now by default. */
  readonly notBefore?: Date;
  /** Seconds from the first claim after which it is exhausted. No end by default. */
  readonly closeAfter?: number;
  /** The event that led to this; what the work publishes says so. */
  readonly cause?: Cause;
}

/** Owes a piece of long work from within a transaction: it will be done when, and only when, that commits. Owing it again changes nothing. */
export async function owe(
  tx: Tx,
  { kind, key, input, notBefore, closeAfter, cause = {} }: Owed,
): Promise<{ id: string; created: boolean }> {
  const rows = await tx.query<{ id: string }>(
    `insert into operation (id, kind, key, input, cause, due_at, first_due_at, close_after)
     values ($1, $2, $3, $4, $5, coalesce($6, now()), coalesce($6, now()), make_interval(secs => $7))
     on conflict (kind, key) do nothing returning id`,
    [v7(), kind, key, JSON.stringify(input ?? null), JSON.stringify(causeOf(cause)), notBefore ?? null, closeAfter ?? null],
  );
  if (rows[0]) {
    tx.notify(channel);
    return { id: rows[0].id, created: true };
  }
  const [there] = await tx.query<{ id: string }>('select id from operation where kind = $1 and key = $2', [kind, key]);
  if (!there) throw new Error(`${kind} ${key} was being owed by another transaction that has not ended; try again`);
  return { id: there.id, created: false };
}

/**
 * Cancels what is not done. Never claimed: it ends here. Claimed before: its signal is aborted, the work's `cancelled` cleans up, and then it ends.
 * Returns false where there is nothing to cancel.
 */
export async function cancel(tx: Tx, kind: string, key: string, reason: string): Promise<boolean> {
  const rows = await tx.query(
    `update operation set
       cancel_reason = coalesce(cancel_reason, $3),
       state = case when epoch = 0 then 'cancelled' else state end,
       finished_at = case when epoch = 0 then now() else finished_at end,
       due_at = case when state = 'ready' then now() else due_at end
     where kind = $1 and key = $2 and state in ('ready', 'running') returning id`,
    [kind, key, reason],
  );
  if (rows.length > 0) for (const each of [channel, cancelChannel]) tx.notify(each);
  return rows.length > 0;
}

/** Makes a waiting operation due now, or, if it runs, again at once after it asks to wait: what it waits for has happened. */
export async function hurry(tx: Tx, kind: string, key: string): Promise<boolean> {
  const rows = await tx.query(
    `update operation set hurried = (state = 'running'), due_at = case when state = 'ready' then least(due_at, now()) else due_at end
     where kind = $1 and key = $2 and state in ('ready', 'running') returning id`,
    [kind, key],
  );
  if (rows.length > 0) tx.notify(channel);
  return rows.length > 0;
}

export interface Stuck {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  /** `unclaimed`: due and nobody takes it (no worker for the kind, all busy). `failing`: errors in a row. */
  readonly why: 'unclaimed' | 'failing';
  /** Seconds since it was due. */
  readonly overdue: number;
  readonly attempt: number;
  readonly lastError: string | null;
}

/** What does not move, oldest first, 100 at most: for alarms and `doctor`. */
export function stuckOperations(database: Database, { overdueSeconds = 60, attempts = 5 } = {}): Promise<Stuck[]> {
  return database.query<Stuck>(
    `select id, kind, key, case when due_at < now() - make_interval(secs => $1) then 'unclaimed' else 'failing' end as why,
            greatest(0, extract(epoch from now() - due_at))::float8 as overdue, attempt, last_error as "lastError"
       from operation
      where state in ('ready', 'running') and (due_at < now() - make_interval(secs => $1) or attempt >= $2)
      order by due_at limit 100`,
    [overdueSeconds, attempts],
  );
}

function causeOf({ causationId, correlationId, traceparent }: Cause): Cause {
  return { causationId, correlationId, traceparent };
}
