import { type Service, services } from '@slipway/contracts';
import type { Database, Tx } from '@slipway/postgres';
import type { Patience } from './patience.js';
import type { Timing } from './timing.js';

/** Said again to one service in one go, at most. */
const atOnce = 200;
/** To who is silent, and may only be away or behind for a while, nothing but the oldest is said again: so many as were answered last time, twice over. */
const fewest = 10;

/** What this service said and is owed answers for (design part 4 "How"). Rows come with the outbox and go with the answers. */
export class Handoffs {
  /** What was said again to who is silent, by service. */
  private readonly probes = new Map<Service, { readonly most: number; readonly said: readonly string[] }>();

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
    const paces = await this.paces();
    const again = await this.database.query<{ event_id: string; service: Service }>(
      `with due as (
        select lost.event_id, lost.service from unnest($3::text[], $4::float8[], $5::int[]) as other (service, waited, oldest), lateral (
          select h.event_id, h.service from handoff h join outbox o on o.event_id = h.event_id
          where h.service = other.service and h.next_at <= now() and h.created_at < now() - make_interval(secs => other.waited / 1000.0)
            and o.published_at < now() - make_interval(secs => $1 / 1000.0)
            and (other.oldest is null or h.event_id in (
              select event_id from handoff where service = other.service order by created_at, event_id limit other.oldest
            ))
          order by h.created_at limit ${atOnce} for update of h skip locked
        ) as lost
      ), later as (
        update handoff h set tries = h.tries + 1,
          next_at = now() + make_interval(secs => least($2, $1 * 2 ^ least(h.tries + 1, 20)) / 1000.0 * (0.9 + random() * 0.2))
        from due where h.event_id = due.event_id and h.service = due.service returning h.event_id, h.service
      ), said as (
        update outbox set published_at = null, resends = resends + 1 where event_id in (select event_id from later)
      )
      select event_id, service from later`,
      [
        resendFirstMs,
        resendMostMs,
        paces.map(({ service }) => service),
        paces.map(({ waitedMs }) => waitedMs),
        paces.map(({ oldest }) => oldest),
      ],
    );
    for (const { service, oldest } of paces) {
      const said = again.filter((each) => each.service === service).map(({ event_id }) => event_id);
      if (oldest === null) this.probes.delete(service);
      else if (said.length > 0) this.probes.set(service, { most: oldest, said });
    }
    return new Set(again.map(({ event_id }) => event_id)).size;
  }

  /** How each service is to be treated: what is younger than its answers take is left alone; of who is silent only the oldest are asked about. */
  private async paces(): Promise<{ service: Service; waitedMs: number; oldest: number | null }[]> {
    const asked = [...this.probes].flatMap(([service, { said }]) => said.map((event) => ({ service, event })));
    const open = await this.database.query<{ service: Service }>(
      'select distinct service from handoff where (service, event_id) in (select * from unnest($1::text[], $2::text[]))',
      [asked.map(({ service }) => service), asked.map(({ event }) => event)],
    );
    const waiting = new Set(open.map(({ service }) => service));
    return services.map((service) => {
      const { waitedMs, silent } = this.patience.of(service);
      const { most = fewest / 2 } = this.probes.get(service) ?? {};
      return { service, waitedMs, oldest: silent ? (waiting.has(service) ? fewest : Math.min(most * 2, atOnce)) : null };
    });
  }

  /** Whether so many are owed by services that answer: who answers nothing is away, not behind, and nobody waits for him. */
  async areBehind(most: number): Promise<boolean> {
    const answering = services.filter((service) => !this.patience.of(service).silent);
    if (answering.length === 0) return false;
    const [row] = await this.database.query<{ count: number }>(
      'select count(*)::int as count from (select 1 from handoff where service = any($1::text[]) limit $2) as owed',
      [answering, most],
    );
    return (row?.count ?? 0) >= most;
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
