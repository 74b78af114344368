import type { Database, Tx } from '@slipway/postgres';
import type { Timing } from './timing.js';

/** What this service said and is owed answers for (design part 4 "How"). Rows come with the outbox and go with the answers. */
export class Handoffs {
  constructor(
    private readonly database: Database,
    private readonly timing: Timing,
  ) {}

  /**
   * Says again, with the same id, what nobody answered in time: its outbox rows are unpublished once more and go the usual way. The wait
   * doubles each time. Returns how many events.
   */
  async sayAgain(): Promise<number> {
    const { resendFirstMs, resendMostMs } = this.timing;
    const again = await this.database.query(
      `with due as (
        select h.event_id, h.service from handoff h join outbox o on o.event_id = h.event_id
        where h.next_at <= now() and o.published_at < now() - make_interval(secs => $1 / 1000.0)
        order by h.next_at limit 200 for update of h skip locked
      ), later as (
        update handoff h set tries = h.tries + 1,
          next_at = now() + make_interval(secs => least($2, $1 * 2 ^ least(h.tries + 1, 20)) / 1000.0 * (0.9 + random() * 0.2))
        from due where h.event_id = due.event_id and h.service = due.service returning h.event_id
      )
      update outbox set published_at = null, resends = resends + 1 where event_id in (select event_id from later) returning id`,
      [resendFirstMs, resendMostMs],
    );
    return again.length;
  }

  /** We answered this event before and its sender says it again: the same answers go out again, with the ids they had. */
  async answerAgain(tx: Tx, eventId: string): Promise<number> {
    const answers = await tx.query(
      'update outbox set published_at = null where causation_id = $1 and published_at is not null returning id',
      [eventId],
    );
    if (answers.length > 0) return answers.length;
    return (await tx.query('select 1 from outbox where causation_id = $1 limit 1', [eventId])).length;
  }
}
