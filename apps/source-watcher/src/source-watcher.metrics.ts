import { Injectable } from '@nestjs/common';
import { Registry } from '@slipway/service-kit';
import { Counter } from 'prom-client';

/** What Prometheus is told about sources. */
@Injectable()
export class SourceWatcherMetrics {
  readonly polls: Counter<'outcome'>;
  readonly releases: Counter<'kind'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.polls = new Counter({
      name: 'slipway_source_polls_total',
      help: 'Looks at a source, by how they ended',
      labelNames: ['outcome'],
      registers,
    });
    this.releases = new Counter({ name: 'slipway_releases_total', help: 'Releases born, by kind', labelNames: ['kind'], registers });
  }
}
