import { services } from '@slipway/contracts';
import type { Database, Tx } from '@slipway/postgres';
import type { Patience } from './patience.js';
import type { Timing } from './timing.js';

/** Said again in one go to one service, at most: where it answers, and where it is silent and may only be away for a while. */
const atOnce = { answering: 200, silent: 20 };

/** What this service said and is owed answers for (design part 4 "How"). Rows come with the outbox and go with the answers. */
export class Handoffs {
  constructor(
    private readonly database: Database,
    private readonly timing: Timing,
    private readonly patience: Patience,
  ) {}

  /**
   * Says again, with the same id, what nobody answered in time: its outbox rows are unpublished once more and go the usual way. The wait
   * doubles each time; who is only behind is waited for. Returns how many events.
   */
  async sayAgain(): Promise<number> {
    const { resendFirstMs, resendMostMs } = this.timing;
    const paces = services.map((service) => this.patience.of(service));
    const again = await this.database.query(
      `with due as (
        select lost.event_id, lost.service from unnest($3::text[], $4::float8[], $5::int[]) as other (service, waited, most), lateral (
          select h.event_id, h.service from handoff h join outbox o on o.event_id = h.event_id
          where h.service = other.service and h.next_at <= now() and h.created_at < now() - make_interval(secs => other.waited / 1000.0)
            and o.published_at < now() - make_interval(secs => $1 / 1000.0)
          order by h.created_at limit other.most for update of h skip locked
        ) as lost
      ), later as (
        update handoff h set tries = h.tries + 1,
          next_at = now() + make_interval(secs => least($2, $1 * 2 ^ least(h.tries + 1, 20)) / 1000.0 * (0.9 + random() * 0.2))
        from due where h.event_id = due.event_id and h.service = due.service returning h.event_id
      )
      update outbox set published_at = null, resends = resends + 1 where event_id in (select event_id from later) returning id`,
      [
        resendFirstMs,
        resendMostMs,
        services,
        paces.map(({ waitedMs }) => waitedMs),
        paces.map(({ silent }) => (silent ? atOnce.silent : atOnce.answering)),
      ],
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
