import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { figures, Registry } from '@slipway/service-kit';
import { Counter, Gauge, Histogram } from 'prom-client';

/** What Grafana shows of image-builder. */
@Injectable()
export class BuildMetrics {
  private readonly builds: Counter<'outcome'>;
  private readonly seconds: Histogram<'outcome'>;
  private readonly removals: Counter<'outcome'>;

  constructor(registry: Registry, database: Database) {
    const registers = [registry];
    this.builds = new Counter({
      name: 'slipway_builds_total',
      help: 'Builds that came to an end; taken: the image of another release of the same revision',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['built', 'taken', 'failed', 'cancelled']) this.builds.inc({ outcome }, 0);
    this.seconds = new Histogram({
      name: 'slipway_build_duration_seconds',
      help: 'Time from the start of a build to its end',
      labelNames: ['outcome'],
      buckets: [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600],
      registers,
    });
    this.removals = new Counter({
      name: 'slipway_image_removals_total',
      help: 'Tries to remove a retired image from its registry: removed, or refused by it',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['removed', 'refused']) this.removals.inc({ outcome }, 0);
    const open = figures(() =>
      database.query<{ state: string; count: string }>(
        `select state, count(*) as count from build where state in ('queued', 'building') group by 1`,
      ),
    );
    new Gauge({
      name: 'slipway_builds_open',
      help: 'Builds that wait for a worker or are in work',
      labelNames: ['state'],
      registers,
      async collect() {
        const rows = await open();
        if (!rows) return;
        this.reset();
        for (const state of ['queued', 'building']) this.set({ state }, 0);
        for (const { state, count } of rows) this.set({ state }, Number(count));
      },
    });
  }

  /** Given up: a person asked, or a newer release took its place. */
  cancelled(): void {
    this.builds.inc({ outcome: 'cancelled' });
  }

  removal(outcome: 'removed' | 'refused'): void {
    this.removals.inc({ outcome });
  }

  ended(outcome: 'built' | 'taken' | 'failed', seconds: number): void {
    this.builds.inc({ outcome });
    this.seconds.observe({ outcome }, seconds);
  }
}
