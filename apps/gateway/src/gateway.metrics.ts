import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import type { Phase } from '@slipway/release';
import { Registry } from '@slipway/service-kit';
import { Gauge } from 'prom-client';

/** How long nothing may be heard of a release while it is Slipway's turn, in seconds; a build is silent until it ends. */
const patience: Partial<Record<Phase, number>> = { detected: 600, building: 3600, testing: 600, 'rolling-out': 600 };
/** Where a release is on its way. Where it has arrived or ended, counters of the other services tell. */
const underway: readonly Phase[] = ['detected', 'building', 'testing', 'awaiting-approval', 'rolling-out'];
/** Asked for at most this often, in ms. */
const freshMs = 5_000;

interface Row {
  readonly project: string;
  readonly phase: Phase;
  readonly count: number;
  readonly stuck: number;
}

/** What Grafana shows of releases on their way, from the ledger: every replica says the same. */
@Injectable()
export class GatewayMetrics {
  private rows: Promise<Row[]> | undefined;

  constructor(
    registry: Registry,
    private readonly database: Database,
  ) {
    this.gauge(registry, 'slipway_releases_underway', 'Releases on their way, by where they are', ({ count }) => count);
    this.gauge(
      registry,
      'slipway_releases_stuck',
      'Releases on their way of which nothing was heard for 10 minutes (an hour while building) although no person is waited for',
      ({ stuck }) => stuck,
    );
  }

  private gauge(registry: Registry, name: string, help: string, of: (row: Row) => number): void {
    const fresh = () => this.fresh();
    new Gauge({
      name,
      help,
      labelNames: ['project', 'phase'],
      registers: [registry],
      async collect() {
        // While the database is away the last value stays: a gap would look like good news.
        const rows = await fresh().catch(() => undefined);
        if (!rows) return;
        this.reset();
        for (const row of rows) this.set({ project: row.project, phase: row.phase }, of(row));
      },
    });
  }

  private fresh(): Promise<Row[]> {
    if (!this.rows) {
      this.rows = this.ask();
      setTimeout(() => (this.rows = undefined), freshMs).unref();
    }
    return this.rows;
  }

  private async ask(): Promise<Row[]> {
    const phases = Object.keys(patience);
    return await this.database.query<Row>(
      `select project, phase, count(*)::int as count,
              count(*) filter (where changed_at < now() - make_interval(secs => allowed.seconds))::int as stuck
       from release left join unnest($2::text[], $3::int[]) as allowed (phase, seconds) using (phase)
       where phase = any($1) group by project, phase`,
      [underway, phases, phases.map((phase) => patience[phase as Phase])],
    );
  }
}
