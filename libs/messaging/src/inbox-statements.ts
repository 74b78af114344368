import { prepared } from '@slipway/postgres';

/** What the tables say of an event that comes in. */
export interface Sight {
  readonly fresh: boolean;
  /** Of what was seen under its id before. */
  readonly known: Buffer | null;
  readonly now: Date;
  /** How long the hand-off it answers was open, in ms, where it answers one that was said once. */
  readonly waited: number | null;
}

/** Inbox, stored offset and the hand-off an event answers. */
export const firstSight = prepared(`with seen as (
  insert into inbox (source, event_id, digest, kept_until, said_at, subject)
  values ($1, $2, $3, now() + make_interval(days => $10), $8, $11)
  on conflict do nothing returning 1
), place as (
  insert into stored_offset (topic, "partition", next) values ($4, $5, $6)
  on conflict (topic, "partition") do update set next = excluded.next
), settled as (
  delete from handoff where event_id = $7 and service = $9 returning created_at, tries
)
select exists (select 1 from seen) as fresh, transaction_timestamp() as now,
  (select extract(epoch from now() - created_at)::float8 * 1000 from settled where tries = 0) as waited,
  (select digest from inbox where source = $1 and event_id = $2) as known`);

/** The same for several, each id once; the place is that of the last. */
export const firstSights = prepared(`with asked as (
  select * from unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
    with ordinality as asked (source, event_id, digest, said_at, subject, causation_id, service, nth)
), seen as (
  insert into inbox (source, event_id, digest, kept_until, said_at, subject)
  select source, event_id, digest, now() + make_interval(days => $11), said_at, subject from asked order by source, event_id
  on conflict do nothing returning source, event_id
), place as (
  insert into stored_offset (topic, "partition", next) values ($8, $9, $10)
  on conflict (topic, "partition") do update set next = excluded.next
), settled as (
  delete from handoff using asked where handoff.event_id = asked.causation_id and handoff.service = asked.service
  returning handoff.event_id, handoff.service, created_at, tries
)
select seen.event_id is not null as fresh, known.digest as known, transaction_timestamp() as now,
  extract(epoch from now() - settled.created_at)::float8 * 1000 as waited
from asked left join seen using (source, event_id)
  left join inbox known on known.source = asked.source and known.event_id = asked.event_id
  left join settled on settled.event_id = asked.causation_id and settled.service = asked.service and settled.tries = 0
order by nth`);
