import { Injectable } from '@nestjs/common';
import { Database } from '@slipway/postgres';
import { Registry } from '@slipway/service-kit';
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
    this.releases = new Counter({ name: 'slipway_releases_total', help: 'Releases born, by kind', labelNames: ['kind'], registers });
    new Gauge({
      name: 'slipway_sources_failing',
      help: 'Sources that can not be read; the same in every replica: use max',
      registers,
      async collect() {
        const rows = await database
          .query<{ count: number }>('select count(*)::int as count from source where file is not null and failing_code is not null')
          .catch(() => []); // without the database there is nothing to tell; other metrics say so
        if (rows[0]) this.set(rows[0].count);
      },
    });
  }
}
