import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import type { Phase } from '@slipway/release';
import { figures, Registry } from '@slipway/service-kit';
import { Gauge } from 'prom-client';

/** How long nothing may be heard of a release while it is Slipway's turn, in seconds; a build is silent until it ends. */
const patience: Partial<Record<Phase, number>> = { detected: 600, building: 3600, testing: 600, 'rolling-out': 600 };
/** Where a release is on its way. Where it has arrived or ended, counters of the other services tell. */
const underway: readonly Phase[] = ['detected', 'building', 'testing', 'awaiting-approval', 'rolling-out'];

interface Row {
  readonly project: string;
  readonly phase: Phase;
  readonly count: number;
  readonly stuck: number;
}

/** What Grafana shows of releases on their way, from the ledger: every replica says the same. */
@Injectable()
export class GatewayMetrics {
  constructor(registry: Registry, database: Database) {
    const rows = figures(() => read(database));
    gauge(registry, rows, 'slipway_releases_underway', 'Releases on their way, by where they are', ({ count }) => count);
    gauge(
      registry,
      rows,
      'slipway_releases_stuck',
      'Releases on their way of which nothing was heard for 10 minutes (an hour while building) although no person is waited for',
      ({ stuck }) => stuck,
    );
  }
}

function gauge(
  registry: Registry,
  figuresNow: () => Promise<Row[] | undefined>,
  name: string,
  help: string,
  of: (row: Row) => number,
): void {
  new Gauge({
    name,
    help,
    labelNames: ['project', 'phase'],
    registers: [registry],
    async collect() {
      const rows = await figuresNow();
      if (!rows) return;
      this.reset();
      for (const row of rows) this.set({ project: row.project, phase: row.phase }, of(row));
    },
  });
}

async function read(database: Database): Promise<Row[]> {
  const phases = Object.keys(patience);
  return await database.query<Row>(
    `select project, phase, count(*)::int as count,
            count(*) filter (where changed_at < now() - make_interval(secs => allowed.seconds))::int as stuck
     from release left join unnest($2::text[], $3::int[]) as allowed (phase, seconds) using (phase)
     where phase = any($1) group by project, phase`,
    [underway, phases, phases.map((phase) => patience[phase as Phase])],
  );
}
