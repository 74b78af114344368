import type { Database } from '@slipway/postgres';

/** How long what is over is kept, in days. */
export interface Keeping {
  /** What was said and is owed to nobody any more. */
  readonly outboxDays: number;
  /** Dead letters that were dealt with, and those that nobody of ours wrote. */
  readonly deadLettersDays: number;
}

/** What one small transaction deleted, and whether it looked at as many rows as it may, so that there may be more. */
export interface Pruned {
  readonly gone: number;
  readonly more: boolean;
}

/** One reason for rows of one table to go. `some` looks at no more than `limit` rows and finds them by an index. */
export interface Pruning {
  readonly table: string;
  some(database: Database, limit: number): Promise<Pruned>;
}

/** Unproven dead letters that are kept at most: whoever can write to Kafka can make any number of them. */
const mostUnproven = 5_000;

/**
 * What messaging forgets and when (docs/adr/0011). Never by age go hand-offs (each ends with its answer), parked events (each is handled or
 * becomes a dead letter), dead letters of ours that nobody dealt with, and the one row that `sequence` has for each subject and
 * `stored_offset` for each partition.
 */
export function messagingPrunings({ outboxDays, deadLettersDays }: Keeping): Pruning[] {
  return [
    { table: 'inbox', some: forgetEvents },
    { table: 'inbox', some: forgetOvertaken },
    { table: 'outbox', some: outboxWalk(outboxDays) },
    {
      table: 'dead_letter',
      some: deleting('dead_letter', 'resolved_at < now() - make_interval(days => $2) order by resolved_at', deadLettersDays),
    },
    {
      table: 'dead_letter',
      some: deleting('dead_letter', `${unproven} and at < now() - make_interval(days => $2) order by at`, deadLettersDays),
    },
    { table: 'dead_letter', some: deleting('dead_letter', `${unproven} order by at desc offset $2`, mostUnproven) },
  ];
}

const unproven = `resolved_at is null and (source is null or source like 'outside:%')`;

function deleting(table: string, which: string, parameter: number): Pruning['some'] {
  return async (database, limit) => {
    const sql = `delete from ${table} where id in (select id from ${table} where ${which} limit $1) returning 1`;
    const gone = (await database.query(sql, [limit, parameter])).length;
    return { gone, more: gone === limit };
  };
}

/** What still waits in another table of ours will be handled by its own row: forgetting it would let the event in a second time. */
const settled = `not exists (select 1 from parked p where p.source = i.source and p.event_id = i.event_id)
  and not exists (select 1 from dead_letter d where d.resolved_at is null and d.source = i.source and d.event_id = i.event_id)`;

/** Committed with the deletion: who finds no row for an event finds here that there may have been one. */
const moveHorizon = `horizon as (
  insert into forgotten (until) select least(max(said_at), now()) from gone having count(*) > 0
  on conflict (only_row) do update set until = greatest(forgotten.until, excluded.until)
)`;

/** Rows of before the column know only when they were seen, which was later; they were kept 30 days. */
const saidAt = `coalesce(i.said_at, i.kept_until - interval '30 days') as said_at`;

async function forgetEvents(database: Database, limit: number): Promise<Pruned> {
  const [row] = await database.query<{ gone: number }>(
    `with due as (
      select source, event_id from inbox i where kept_until < now() and subject is null and ${settled} order by kept_until limit $1
    ), gone as (
      delete from inbox i using due where i.source = due.source and i.event_id = due.event_id returning ${saidAt}
    ), ${moveHorizon}
    select count(*)::int as gone from gone`,
    [limit],
  );
  const gone = row?.gone ?? 0;
  return { gone, more: gone === limit };
}

/** Of a compacted topic the newest event of each key stays for ever, there and here; those it overtook may go. */
async function forgetOvertaken(database: Database, limit: number): Promise<Pruned> {
  const [row] = await database.query<{ gone: number; due: number }>(
    `with due as (
      select source, event_id, subject from inbox i where kept_until < now() and subject is not null and ${settled} order by kept_until limit $1
    ), newest as (
      select source, subject, (select max(said_at) from inbox i where i.source = k.source and i.subject = k.subject) as at
      from (select distinct source, subject from due) as k
    ), gone as (
      delete from inbox i using newest n
      where i.source = n.source and i.subject = n.subject and i.said_at < n.at and (i.kept_until is null or i.kept_until < now()) and ${settled}
      returning ${saidAt}
    ), stays as (
      update inbox i set kept_until = null from newest n
      where i.source = n.source and i.subject = n.subject and i.said_at = n.at and i.kept_until < now()
    ), ${moveHorizon}
    select (select count(*)::int from gone) as gone, (select count(*)::int from due) as due`,
    [limit],
  );
  return { gone: row?.gone ?? 0, more: row?.due === limit };
}

/**
 * Walks the outbox by its ids, which is by age, from where the last batch ended, and from the front again after it came to what is young.
 * What is owed to somebody stays, however old.
 */
function outboxWalk(days: number): Pruning['some'] {
  let at = '0';
  return async (database, limit) => {
    const [row] = await database.query<{ gone: number; old: number; last: string | null }>(
      `with next as materialized (select id, event_id, created_at from outbox where id > $1 order by id limit $2),
       gone as (
         delete from outbox o using next n
         where o.id = n.id and o.published_at < now() - make_interval(days => $3)
           and not exists (select 1 from handoff h where h.event_id = n.event_id)
         returning 1
       )
       select (select count(*)::int from gone) as gone, max(id)::text as last,
         (count(*) filter (where created_at < now() - make_interval(days => $3)))::int as old from next`,
      [at, limit, days],
    );
    const more = row?.old === limit;
    at = more ? (row?.last ?? '0') : '0';
    return { gone: row?.gone ?? 0, more };
  };
}
