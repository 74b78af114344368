import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { figures, Registry } from '@slipway/service-kit';
import { Counter, Gauge } from 'prom-client';

/** What Prometheus is told about sources. */
@Injectable()
export class SourceWatcherMetrics {
  readonly polls: Counter<'outcome'>;
  readonly releases: Counter<'kind'>;

  constructor(registry: Registry, database: Database) {
    const registers = [registry];
    this.polls = new Counter({
      name: 'slipway_source_polls_total',
      help: 'Looks at a source, by how they ended',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['succeeded', 'failed']) this.polls.inc({ outcome }, 0);
    this.releases = new Counter({ name: 'slipway_releases_total', help: 'Releases born, by kind', labelNames: ['kind'], registers });
    for (const kind of ['commit', 'tag', 'image', 'configuration']) this.releases.inc({ kind }, 0);
    const sources = figures(() =>
      database.query<{ project: string; failing: number }>(
        `select project, coalesce(extract(epoch from now() - failing_since), 0)::float8 as failing from source where file is not null`,
      ),
    );
    new Gauge({
      name: 'slipway_source_failing_seconds',
      help: 'How long the source of a project has not been readable, 0 while it is; the same in every replica: use max',
      labelNames: ['project'],
      registers,
      async collect() {
        const rows = await sources();
        if (!rows) return;
        this.reset();
        for (const { project, failing } of rows) this.set({ project }, failing);
      },
    });
  }
}
