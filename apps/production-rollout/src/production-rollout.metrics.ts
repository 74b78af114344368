import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { figures, Registry } from '@slipway/service-kit';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Rollout } from './domain/environment.js';

const buckets = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
const longBuckets = [...buckets, 7200, 14_400, 86_400, 604_800];
const place = ['project', 'environment', 'stage'] as const;
const kinds = ['rollout', 'rollback'] as const;
const outcomes = ['succeeded', 'failed'] as const;

interface Verdicts {
  readonly project: string;
  readonly environment: string;
  readonly stage: string;
  readonly kind: (typeof kinds)[number] | null;
  readonly outcome: (typeof outcomes)[number] | null;
  readonly count: number;
}

/** What Grafana shows of rollouts: how many, how they ended, how long they took, and how long a commit took to get there. */
@Injectable()
export class RolloutMetrics {
  private readonly duration: Histogram<'project' | 'environment' | 'outcome'>;
  private readonly lead: Histogram<(typeof place)[number]>;
  private readonly recovery: Histogram<(typeof place)[number]>;
  private readonly begun = new Set<string>();

  constructor(
    registry: Registry,
    private readonly database: Database,
  ) {
    const registers = [registry];
    this.duration = new Histogram({
      name: 'slipway_rollout_duration_seconds',
      help: 'From the first intent to the verdict',
      labelNames: ['project', 'environment', 'outcome'],
      buckets,
      registers,
    });
    this.lead = new Histogram({
      name: 'slipway_lead_time_seconds',
      help: 'From the commit to its release serving in an environment',
      labelNames: place,
      buckets: longBuckets,
      registers,
    });
    this.recovery = new Histogram({
      name: 'slipway_recovery_seconds',
      help: 'From a deployment that proved bad to the one before it serving again',
      labelNames: place,
      buckets: longBuckets,
      registers,
    });
    this.countVerdicts(registers);
    this.watchDrift(registers);
  }

  ended({ project, environment, kind, release, deployment: { stage } }: Rollout, outcome: 'succeeded' | 'failed', seconds: number): void {
    this.duration.observe({ project, environment, outcome }, seconds);
    if (outcome !== 'succeeded' || kind !== 'rollout') return;
    this.begin({ project, environment, stage });
    this.lead.observe({ project, environment, stage }, (Date.now() - Date.parse(release.committedAt)) / 1000);
  }

  /** What was good before serves again. `since`: when the deployment that proved bad began to serve, or to be rolled out. */
  recovered({ project, environment, deployment: { stage } }: Rollout, since: string): void {
    this.begin({ project, environment, stage });
    this.recovery.observe({ project, environment, stage }, Math.max(0, (Date.now() - Date.parse(since)) / 1000));
  }

  /** Rollouts are rare, and delivery figures shall survive restarts: counted in the table, the same by every replica. */
  private countVerdicts(registers: Registry[]): void {
    const ask = figures(() => this.verdicts());
    const begin = (row: Verdicts) => this.begin(row);
    new Counter({
      name: 'slipway_rollouts_total',
      help: 'Rollouts and rollbacks that came to a verdict, since the installation began',
      labelNames: [...place, 'kind', 'outcome'],
      registers,
      async collect() {
        const rows = await ask();
        if (!rows) return;
        this.reset();
        for (const row of rows) {
          begin(row);
          const labels = { project: row.project, environment: row.environment, stage: row.stage };
          for (const kind of kinds) for (const outcome of outcomes) this.inc({ ...labels, kind, outcome }, 0);
          if (row.kind && row.outcome) this.inc({ ...labels, kind: row.kind, outcome: row.outcome }, row.count);
        }
      },
    });
  }

  private watchDrift(registers: Registry[]): void {
    const drifted = figures(() =>
      this.database.query<{ project: string; environment: string; drifted: boolean }>(
        `select project, environment, state ->> 'driftedSince' is not null as drifted from environment where state -> 'running' <> 'null'::jsonb`,
      ),
    );
    new Gauge({
      name: 'slipway_environment_drifted',
      help: '1 while what runs is not what was approved',
      labelNames: ['project', 'environment'],
      registers,
      async collect() {
        const rows = await drifted();
        if (!rows) return;
        this.reset();
        for (const { project, environment, drifted } of rows) this.set({ project, environment }, drifted ? 1 : 0);
      },
    });
  }

  /** A histogram that is first seen with an observation in it hides that one from rate(): it starts at nothing. */
  private begin({ project, environment, stage }: { project: string; environment: string; stage: string }): void {
    const key = JSON.stringify([project, environment, stage]);
    if (this.begun.has(key)) return;
    this.begun.add(key);
    this.lead.zero({ project, environment, stage });
    this.recovery.zero({ project, environment, stage });
  }

  /** One row at least for every environment that may have rollouts: so its counts begin at nothing. Only rollouts answer a request, rollbacks have none. */
  private async verdicts(): Promise<Verdicts[]> {
    return await this.database.query<Verdicts>(
      `with place as (
         select name as project, e ->> 'name' as environment, e ->> 'stage' as stage
         from project, jsonb_array_elements(file #> '{spec,environments}') as e where e ->> 'stage' <> 'test'
       ), verdict as (
         select project, environment, case when request is null then 'rollback' else 'rollout' end as kind, state as outcome, count(*)::int as count
         from rollout where state in ('succeeded', 'failed') group by 1, 2, 3, 4
       )
       select project, environment, kind, outcome, coalesce(count, 0) as count, coalesce(stage, (
         select rollout #>> '{deployment,stage}' from rollout r
         where r.project = v.project and r.environment = v.environment order by created_at desc limit 1)) as stage
       from place full join verdict v using (project, environment)`,
    );
  }
}
