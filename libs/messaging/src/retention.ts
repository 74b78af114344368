import type { Database } from '@slipway/postgres';

const atOnce = 5_000;
const mostRounds = 200;

/** What nobody can need any more: Kafka keeps records 14 days, so nothing older can be asked for or come again. */
const sweeps = [
  `delete from inbox where (source, event_id) in (select source, event_id from inbox where kept_until < now() limit ${atOnce}) returning 1`,
  `delete from outbox where id in (select id from outbox o where published_at < now() - interval '15 days'
     and not exists (select 1 from handoff h where h.event_id = o.event_id) limit ${atOnce}) returning 1`,
  `delete from dead_letter where id in (select id from dead_letter where resolved_at < now() - interval '90 days' limit ${atOnce}) returning 1`,
];

/** Deletes in small transactions, so that nobody waits for it. Returns how many rows. */
export async function sweep(database: Database): Promise<number> {
  let swept = 0;
  for (const sql of sweeps) {
    for (let round = 0; round < mostRounds; round++) {
      const gone = (await database.query(sql)).length;
      swept += gone;
      if (gone < atOnce) break;
    }
  }
  return swept;
}
