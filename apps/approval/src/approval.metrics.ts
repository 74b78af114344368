import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { figures, Registry } from '@slipway/service-kit';
import { Gauge, Histogram } from 'prom-client';
import type { ApprovalRequest } from './domain/approval-request.js';

const labelNames = ['project', 'environment'] as const;
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

interface Open {
  readonly project: string;
  readonly environment: string;
  readonly open: number;
  readonly oldest: number;
}

/** What Grafana shows of approval: who is waited for, and for how long. Gauges come from the tables, so every replica says the same. */
@Injectable()
export class ApprovalMetrics {
  private readonly wait: Histogram<'project' | 'environment' | 'outcome'>;

  constructor(registry: Registry, database: Database) {
    const registers = [registry];
    const open = figures(() => openRequests(database));
    gauge(registers, open, 'slipway_approvals_open', 'Requests for sign-off that wait for people', ({ open }) => open);
    gauge(
      registers,
      open,
      'slipway_approval_open_age_seconds',
      'How long the oldest open request for sign-off has waited',
      (row) => row.oldest,
    );
    this.wait = new Histogram({
      name: 'slipway_approval_wait_seconds',
      help: 'From asking people to the end of the request: granted, rejected, expired, superseded, voided',
      labelNames: [...labelNames, 'outcome'],
      buckets: [10, minute, 5 * minute, 15 * minute, hour, 4 * hour, 12 * hour, day, 3 * day, 7 * day],
      registers,
    });
  }

  /** A request that people were asked about is no longer open. What policy lets in by itself keeps nobody waiting and is not counted. */
  ended({ release, environment, openedAt, policy, state }: ApprovalRequest, now: Date): void {
    if (policy.require.length === 0) return;
    const labels = { project: release.project, environment, outcome: state };
    this.wait.observe(labels, Math.max(0, (now.getTime() - Date.parse(openedAt)) / 1000));
  }
}

function gauge(
  registers: Registry[],
  open: () => Promise<Open[] | undefined>,
  name: string,
  help: string,
  of: (row: Open) => number,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers,
    async collect() {
      const rows = await open();
      if (!rows) return;
      this.reset();
      for (const row of rows) this.set({ project: row.project, environment: row.environment }, of(row));
    },
  });
}

async function openRequests(database: Database): Promise<Open[]> {
  return await database.query<Open>(
    `select project, environment, count(*)::int as open, extract(epoch from now() - min(opened_at))::float8 as oldest
     from request where state = 'open' group by 1, 2`,
  );
}
