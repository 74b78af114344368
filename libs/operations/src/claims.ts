import type { Cause } from '@slipway/messaging';
import type { Database, Tx } from '@slipway/postgres';
import type { Away } from './away.js';

/** A row as it was claimed. */
export interface ClaimedRow {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly input: unknown;
  readonly cause: Cause;
  readonly epoch: number;
  readonly attempt: number;
  readonly created_at: Date;
  readonly progress: unknown;
  readonly progress_seal: string | null;
  readonly cancel_reason: string | null;
  readonly last_error: string | null;
  /** The part its tries before this one met absent. */
  readonly away: Away | null;
  /** Milliseconds until it closes, negative when it has; null without an end. */
  readonly closes_in: number | null;
}

export interface ClaimRequest {
  readonly kind: string;
  readonly limit: number;
  readonly owner: string;
  readonly leaseMs: number;
  /** Leave alone what is `ready`, or only what was never begun; what a dead owner left is taken whatever this says. */
  readonly without?: 'ready' | 'new' | undefined;
}

/**
 * Takes up to `limit` due operations of a kind, each with a new epoch. Decided by the database's clock alone; two workers never get the same. What a dead owner
 * asked of the outside has arrived by then, or never will: nobody gets what is still armed.
 */
export function claimDue(database: Database, request: ClaimRequest): Promise<ClaimedRow[]> {
  return database.query<ClaimedRow>(
    `with due as (
       select id from operation
        where kind = $1 and state in ('ready', 'running') and due_at <= now() and (armed_until is null or armed_until <= now())
          and ($5::text is null or state = 'running' or ($5 = 'new' and epoch > 0))
        order by due_at limit $2 for update skip locked
     )
     update operation o set state = 'running', epoch = o.epoch + 1, owner = $3, lease = make_interval(secs => $4),
            due_at = now() + make_interval(secs => $4), call_timeout_ms = 0, hurried = false, waiting_for = null,
            close_at = coalesce(o.close_at, now() + o.close_after)
       from due where o.id = due.id
     returning o.id, o.kind, o.key, o.input, o.cause, o.epoch, o.attempt, o.created_at, o.progress, o.progress_seal, o.cancel_reason, o.last_error, o.away,
               (extract(epoch from o.close_at - now()) * 1000)::float8 as closes_in`,
    [request.kind, request.limit, request.owner, request.leaseMs / 1000, request.without ?? null],
  );
}

/** What an arming is called: its end, by the database's clock. No two of one operation are called alike. */
export type Arming = string;

/** An operation as its worker holds it. */
export interface Held {
  readonly id: string;
  readonly epoch: number;
  /** What it armed last, once all calls were answered: to be disarmed with whatever is written next, unless it was armed anew by then. */
  readonly answered: Arming | null;
  /** What it armed for the last call of which it is not known whether it is over: until then it stays armed. */
  readonly open?: Arming | null;
  /** What it took, to be disarmed with it. */
  readonly place?: string | null;
}

/** Makes a place this claim's, unless a call of whoever had it before may still be under way there. One place for one claim at a time: the last to take it. */
export async function take(database: Database, { id, epoch }: Pick<Held, 'id' | 'epoch'>, place: string): Promise<boolean> {
  const taken = await database.query(
    `insert into place (name, operation, epoch) select $3::text, id, epoch from operation where id = $1 and epoch = $2 and state = 'running'
     on conflict (name) do update set operation = excluded.operation, epoch = excluded.epoch
       where place.armed_until is null or place.armed_until <= clock_timestamp() returning 1`,
    [id, epoch, place],
  );
  return taken.length > 0;
}

/**
 * To be committed before a call is sent that changes something outside: for `ms` from now nobody else gets this operation, nor the place it took. Undefined
 * where the operation is not this claim's any more, `isItsPlace` false where the place is not: then nothing may be sent. A worker of a version before takes it
 * sooner, and waits for `call_timeout_ms` before it acts. The operation is locked before the place, here as everywhere.
 */
export async function arm(
  database: Database,
  { id, epoch, place = null }: Pick<Held, 'id' | 'epoch' | 'place'>,
  ms: number,
): Promise<{ readonly arming: Arming; readonly isItsPlace: boolean } | undefined> {
  const [row] = await database.query<{ arming: Arming; isItsPlace: boolean }>(
    `with armed as (
       update operation set armed_until = greatest(armed_until + interval '1 microsecond', clock_timestamp() + make_interval(secs => $3::int / 1000.0)),
              call_timeout_ms = $3::int
        where id = $1 and epoch = $2 and state = 'running' returning id, epoch, armed_until
     ),
     there as (
       update place p set armed_until = armed.armed_until from armed
        where p.name = $4 and p.operation = armed.id and p.epoch = armed.epoch returning 1
     )
     select armed_until::text as arming, $4::text is null or exists (select 1 from there) as "isItsPlace" from armed`,
    [id, epoch, ms, place],
  );
  return row;
}

/** Sets what disarms: nothing where it was armed anew since. A worker of the version before waits for `call_timeout_ms`, so that goes with it. */
function disarming({ answered, open }: { readonly answered: string; readonly open: string }, of = ''): string {
  const isIt = `${of}armed_until = ${answered}::timestamptz`;
  return `call_timeout_ms = case when ${isIt} and ${open}::timestamptz is null then 0 else ${of}call_timeout_ms end,
            armed_until = case when ${isIt} then ${open}::timestamptz else ${of}armed_until end`;
}

/** Disarms the place of whose operation was written, by the same name. */
function disarmingPlace(written: string, { answered, open, place }: Record<'answered' | 'open' | 'place', string>): string {
  return `update place p set armed_until = ${open}::timestamptz from ${written} w
            where p.name = ${place} and p.operation = w.id and p.epoch = w.epoch and p.armed_until = ${answered}::timestamptz`;
}

/** Keeps how far an operation is; lost claims are ignored. */
export async function note(
  database: Database,
  { id, epoch, answered, open = null, place = null }: Held,
  progress: string,
  seal: string | null,
): Promise<void> {
  await database.query(
    `with noted as (
       update operation set progress = $3, progress_seal = $4, ${disarming({ answered: '$5', open: '$7' })}
        where id = $1 and epoch = $2 and state = 'running' returning id, epoch
     ) ${disarmingPlace('noted', { answered: '$5', open: '$7', place: '$6' })}`,
    [id, epoch, progress, seal, answered, place, open],
  );
}

/** Milliseconds until the next operation of any of these kinds is due, by kind; one index probe a kind, however many are waiting. */
export async function nextDue(database: Database, kinds: readonly string[]): Promise<Map<string, number>> {
  const rows = await database.query<{ kind: string; due_in: number | null }>(
    `select kind, (extract(epoch from
        (select min(due_at) from operation o where o.kind = k.kind and o.state in ('ready', 'running')) - now()) * 1000)::float8 as due_in
       from unnest($1::text[]) as k(kind)`,
    [kinds],
  );
  return new Map(rows.flatMap(({ kind, due_in }) => (due_in === null ? [] : [[kind, due_in] as const])));
}

export interface Renewal {
  readonly id: string;
  readonly epoch: number;
  /** False also while a transaction of this very claim has the row locked: not renewed, not lost. */
  readonly renewed: boolean;
  readonly held: boolean;
  readonly cancel_reason: string | null;
}

/** Renews the leases of all these claims in one statement on the reserved connection, which no busy pool can hold up. Never waits for a lock. */
export function renew(database: Database, claims: readonly Held[], timeoutMs: number): Promise<Renewal[]> {
  return database.reserved.query<Renewal>(
    `with claim as (select * from unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::timestamptz[]) as c(id, epoch, answered, place, open)),
     mine as (
       select o.id, c.answered, c.place, c.open from operation o join claim c on c.id = o.id and c.epoch = o.epoch
        where o.state = 'running' for no key update of o skip locked
     ),
     renewed as (
       update operation o set due_at = clock_timestamp() + o.lease, ${disarming({ answered: 'mine.answered', open: 'mine.open' }, 'o.')}
         from mine where o.id = mine.id returning o.id, o.epoch, mine.answered, mine.place, mine.open
     ),
     freed as (${disarmingPlace('renewed', { answered: 'w.answered', open: 'w.open', place: 'w.place' })})
     select c.id, c.epoch, r.id is not null as renewed, coalesce(o.epoch = c.epoch and o.state = 'running', false) as held, o.cancel_reason
       from claim c left join operation o on o.id = c.id left join renewed r on r.id = c.id`,
    [
      claims.map(({ id }) => id),
      claims.map(({ epoch }) => epoch),
      claims.map(({ answered }) => answered),
      claims.map(({ place }) => place ?? null),
      claims.map(({ open }) => open ?? null),
    ],
    timeoutMs,
  );
}

/** How a claim ends. */
export type Ending =
  | { readonly end: 'done' }
  | { readonly end: 'again'; readonly afterMs: number; readonly reason: string }
  | { readonly end: 'errored'; readonly afterMs: number; readonly error: string }
  | { readonly end: 'handed-over' }
  | { readonly end: 'exhausted'; readonly error: string }
  | { readonly end: 'cancelled' };

/** Writes the ending, and the part it waits for where that is given, if this is still the newest epoch. False when it is not, or when `complete` has ended it already. */
export async function settle(
  on: Pick<Database | Tx, 'query'>,
  { id, epoch, answered, open = null, place = null }: Held,
  ending: Ending,
  away?: Away | null,
): Promise<boolean> {
  const { set, params } = change(ending);
  const next = params.length + 3;
  const kept = away === undefined ? '' : `away = $${next + 3}, `;
  const names = { answered: `$${next}`, open: `$${next + 2}`, place: `$${next + 1}` };
  const rows = await on.query(
    `with settled as (
       update operation set owner = null, lease = null, ${disarming(names)}, ${kept}${set}
        where id = $1 and epoch = $2 and state = 'running' returning id, epoch
     ),
     freed as (${disarmingPlace('settled', names)})
     select id from settled`,
    [id, epoch, ...params, answered, place, open, ...(away === undefined ? [] : [away && JSON.stringify(away)])],
  );
  return rows.length > 0;
}

function change(ending: Ending): { set: string; params: unknown[] } {
  const later = 'least(now() + make_interval(secs => $3), close_at)'; // close_at: to be told so in time
  switch (ending.end) {
    case 'done':
      return { set: "state = 'done', finished_at = now(), waiting_for = null, last_error = null", params: [] };
    case 'again':
      return {
        set: `state = 'ready', attempt = 0, waiting_for = $4, last_error = null,
              due_at = case when hurried or cancel_reason is not null then now() else ${later} end`,
        params: [ending.afterMs / 1000, ending.reason],
      };
    case 'errored':
      return {
        set: `state = 'ready', attempt = attempt + 1, last_error = $4, due_at = case when hurried then now() else ${later} end`,
        params: [ending.afterMs / 1000, ending.error],
      };
    case 'handed-over':
      return { set: "state = 'ready', due_at = now()", params: [] };
    case 'exhausted':
      return { set: "state = 'exhausted', finished_at = now(), last_error = $3", params: [ending.error] };
    case 'cancelled':
      return { set: "state = 'cancelled', finished_at = now()", params: [] };
  }
}

/** The longest pause after errors that may never end, and where only a part is away, which is back without anybody having mended the work. */
const longestMs = { errored: 300_000, away: 20_000 };

/** Exponential from 1 s to 5 min, or to 20 s where it is known that a part is away, with full jitter, in ms; `attempt` counts from 1. */
export function backOffMs(attempt: number, why: keyof typeof longestMs = 'errored', random: () => number = Math.random): number {
  return random() * Math.min(longestMs[why], 1000 * 2 ** Math.min(attempt - 1, 20));
}
