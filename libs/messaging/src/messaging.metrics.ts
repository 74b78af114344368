import type { Database } from '@slipway/postgres';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

interface Counts {
  pending: number;
  age: number;
  handoffs: number;
  owed: number;
  parked: number;
  dead: number;
}

/** Asked for at most this often, in ms, however often we are scraped. */
const freshMs = 2_000;

/** What Prometheus learns about a service's mouth and ears. Counts come from the tables, so every replica says the same. */
export class MessagingMetrics {
  readonly hop: Histogram<'event'>;
  readonly deadLetters: Counter<'reason'>;
  readonly published: Counter;
  readonly older: Gauge;
  private counts: Promise<Counts | undefined> | undefined;

  constructor(
    registry: Registry,
    private readonly database: Database,
    lag: () => ReadonlyMap<string, number>,
  ) {
    const registers = [registry];
    this.hop = new Histogram({
      name: 'slipway_event_hop_seconds',
      help: 'From the transaction that said an event to the commit of the handler that heard it.',
      labelNames: ['event'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    });
    this.deadLetters = new Counter({
      name: 'slipway_dead_letters_total',
      help: 'Records no handler could take.',
      labelNames: ['reason'],
      registers,
    });
    this.published = new Counter({ name: 'slipway_events_published_total', help: 'Events brought from the outbox to Kafka.', registers });
    this.older = new Gauge({
      name: 'slipway_database_older',
      help: '1 while the database is older than what this service has said to others, so that the service stands still; else 0.',
      registers,
    });
    this.gauge(registers, 'slipway_outbox_pending', 'Events said but not yet in Kafka.', (counts) => counts.pending);
    this.gauge(
      registers,
      'slipway_outbox_age_seconds',
      'Age of the oldest event that is not yet in Kafka; 0 when there is none.',
      (counts) => counts.age,
    );
    this.gauge(registers, 'slipway_handoffs_pending', 'Answers this service is owed by others.', (counts) => counts.handoffs);
    this.gauge(
      registers,
      'slipway_handoff_age_seconds',
      'How long the oldest answer this service is owed has been due; 0 when there is none.',
      (counts) => counts.owed,
    );
    this.gauge(
      registers,
      'slipway_events_parked',
      'Events waiting for an upgrade or for something that comes first.',
      (counts) => counts.parked,
    );
    this.gauge(registers, 'slipway_dead_letters_open', 'Dead letters nobody has dealt with.', (counts) => counts.dead);
    new Gauge({
      name: 'slipway_consumer_lag',
      help: 'Records this replica has yet to deal with, by topic.',
      labelNames: ['topic'],
      registers,
      collect() {
        this.reset();
        for (const [topic, behind] of lag()) this.set({ topic }, behind);
      },
    });
  }

  private gauge(registers: Registry[], name: string, help: string, of: (counts: Counts) => number): void {
    const fresh = () => this.fresh();
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const counts = await fresh();
        if (counts) this.set(of(counts));
      },
    });
  }

  private async fresh(): Promise<Counts | undefined> {
    if (!this.counts) {
      // While the database is away the last value stays: a gap or a zero would look like good news.
      this.counts = this.ask().catch(() => undefined);
      setTimeout(() => (this.counts = undefined), freshMs).unref();
    }
    return await this.counts;
  }

  private async ask(): Promise<Counts | undefined> {
    const [row] = await this.database.query<Counts>(
      `select o.pending, o.age, h.handoffs, h.owed, (select count(*)::int from parked) as parked,
        (select count(*)::int from dead_letter where resolved_at is null) as dead
       from (select count(*)::int as pending, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as age
             from outbox where published_at is null) as o,
            (select count(*)::int as handoffs, coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as owed from handoff) as h`,
    );
    return row;
  }
}
