import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { Registry } from '@slipway/service-kit';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Rollout } from './domain/environment.js';

const buckets = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** What Grafana shows of rollouts: how many, how they ended, how long they took, and how long a commit took to get there. */
@Injectable()
export class RolloutMetrics {
  private readonly rollouts: Counter;
  private readonly duration: Histogram;
  private readonly lead: Histogram;
  private readonly recovery: Histogram;

  constructor(registry: Registry, database: Database) {
    const registers = [registry];
    const labelNames = ['project', 'environment', 'outcome'];
    this.rollouts = new Counter({
      name: 'slipway_rollouts_total',
      help: 'Rollouts and rollbacks that came to a verdict',
      labelNames: [...labelNames, 'stage', 'kind'],
      registers,
    });
    this.duration = new Histogram({
      name: 'slipway_rollout_duration_seconds',
      help: 'From the first intent to the verdict',
      labelNames,
      buckets,
      registers,
    });
    this.lead = new Histogram({
      name: 'slipway_lead_time_seconds',
      help: 'From the commit to its release serving in an environment',
      labelNames: ['project', 'environment', 'stage'],
      buckets: [...buckets, 7200, 14_400, 86_400, 604_800],
      registers,
    });
    this.recovery = new Histogram({
      name: 'slipway_recovery_seconds',
      help: 'From a deployment that proved bad to the one before it serving again',
      labelNames: ['project', 'environment', 'stage'],
      buckets: [...buckets, 7200, 14_400, 86_400, 604_800],
      registers,
    });
    new Gauge({
      name: 'slipway_environment_drifted',
      help: '1 while what runs is not what was approved',
      labelNames: ['project', 'environment'],
      registers,
      async collect() {
        const rows = await database.query<{ project: string; environment: string; drifted: boolean }>(
          `select project, environment, state ->> 'driftedSince' is not null as drifted from environment where state -> 'running' <> 'null'::jsonb`,
        );
        this.reset();
        for (const { project, environment, drifted } of rows) this.set({ project, environment }, drifted ? 1 : 0);
      },
    });
  }

  ended({ project, environment, kind, release, deployment: { stage } }: Rollout, outcome: 'succeeded' | 'failed', seconds: number): void {
    this.rollouts.inc({ project, environment, stage, outcome, kind });
    this.duration.observe({ project, environment, outcome }, seconds);
    if (outcome === 'succeeded' && kind === 'rollout')
      this.lead.observe({ project, environment, stage }, (Date.now() - Date.parse(release.committedAt)) / 1000);
  }

  /** What was good before serves again. `since`: when the deployment that proved bad began to serve, or to be rolled out. */
  recovered({ project, environment, deployment: { stage } }: Rollout, since: string): void {
    this.recovery.observe({ project, environment, stage }, Math.max(0, (Date.now() - Date.parse(since)) / 1000));
  }
}
