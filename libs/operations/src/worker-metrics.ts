import type { Database } from '@slipway/postgres';
import { Counter, Gauge, type Registry } from 'prom-client';

const states = ['ready', 'waiting', 'running', 'exhausted'] as const;
const freshMs = 5_000;

/** What Prometheus reads of operations. While the database is away it reads the last known figures. */
export class WorkerMetrics {
  readonly attempts: Counter<'kind' | 'outcome'>;
  private readonly count: Gauge<'kind' | 'state'>;
  private readonly age: Gauge<'kind'>;
  private readonly overdue: Gauge<'kind'>;
  private readonly away: Gauge<'part'>;
  private reading: Promise<void> | undefined;
  private readAt = Number.NEGATIVE_INFINITY;

  constructor(
    registry: Registry,
    private readonly database: Database,
    private readonly kinds: readonly string[],
  ) {
    const registers = [registry];
    const collect = () => this.refresh();
    this.attempts = new Counter({
      name: 'slipway_operation_attempts_total',
      help: 'Claims that ended in this process, by how: done, again, errored, exhausted, cancelled, handed-over, lost, hung',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    this.count = new Gauge({
      name: 'slipway_operations',
      help: 'Operations of this service that are not done',
      labelNames: ['kind', 'state'],
      registers,
      collect,
    });
    this.age = new Gauge({
      name: 'slipway_operation_age_seconds',
      help: 'Time since the oldest unfinished operation was first due',
      labelNames: ['kind'],
      registers,
    });
    this.overdue = new Gauge({
      name: 'slipway_operation_overdue_seconds',
      help: 'How long the operation that waits longest for a worker has been due',
      labelNames: ['kind'],
      registers,
    });
    this.away = new Gauge({
      name: 'slipway_part_away_seconds',
      help: 'How long a part that work waits for has not answered: target, registry, docker-engine, source, approval',
      labelNames: ['part'],
      registers,
    });
  }

  private async refresh(): Promise<void> {
    if (performance.now() - this.readAt < freshMs) return;
    this.reading ??= this.read()
      .catch(() => undefined)
      .finally(() => (this.reading = undefined));
    await this.reading;
  }

  private async read(): Promise<void> {
    const rows = await this.database.query<{ kind: string; state: (typeof states)[number]; n: number; age: number; overdue: number }>(
      `select kind, case when state = 'ready' and due_at > now() then 'waiting' else state end as state, count(*)::int as n,
              greatest(0, extract(epoch from now() - min(first_due_at)))::float8 as age,
              greatest(0, extract(epoch from now() - min(due_at)))::float8 as overdue
         from operation where state in ('ready', 'running', 'exhausted') group by 1, 2`,
    );
    const away = await this.database.query<{ part: string; seconds: number }>(
      `select away ->> 'part' as part, greatest(0, extract(epoch from now() - min((away ->> 'since')::timestamptz)))::float8 as seconds
         from operation where state in ('ready', 'running') and away is not null group by 1`,
    );
    this.readAt = performance.now();
    this.away.reset();
    for (const { part, seconds } of away) this.away.set({ part }, seconds);
    for (const kind of new Set([...this.kinds, ...rows.map((row) => row.kind)])) {
      const mine = rows.filter((row) => row.kind === kind);
      for (const state of states) this.count.set({ kind, state }, mine.find((row) => row.state === state)?.n ?? 0);
      const live = mine.filter((row) => row.state !== 'exhausted');
      this.age.set({ kind }, Math.max(0, ...live.map((row) => row.age)));
      this.overdue.set({ kind }, Math.max(0, ...live.map((row) => row.overdue)));
    }
  }
}
