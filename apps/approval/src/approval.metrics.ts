import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { Registry } from '@slipway/service-kit';
import { Gauge } from 'prom-client';

/** What Grafana shows of approval: who is waited for, and for how long. */
@Injectable()
export class ApprovalMetrics {
  constructor(registry: Registry, database: Database) {
    const open = new Gauge({
      name: 'slipway_approvals_open',
      help: 'Requests for sign-off that wait for people',
      labelNames: ['project', 'environment'],
      registers: [registry],
      async collect() {
        const rows = await database.query<{ project: string; environment: string; open: string; oldest: string }>(
          `select project, environment, count(*) as open, extract(epoch from now() - min(opened_at)) as oldest from request where state = 'open' group by 1, 2`,
        );
        open.reset();
        oldest.reset();
        for (const row of rows) {
          open.set({ project: row.project, environment: row.environment }, Number(row.open));
          oldest.set({ project: row.project, environment: row.environment }, Number(row.oldest));
        }
      },
    });
    const oldest = new Gauge({
      name: 'slipway_approval_wait_seconds',
      help: 'How long the oldest open request for sign-off has waited',
      labelNames: ['project', 'environment'],
      registers: [registry],
    });
  }
}
