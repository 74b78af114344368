import { Inject, Injectable } from '@nestjs/common';
import type { Reconciliation } from '@slipway/operations';
import { Database } from '@slipway/postgres';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import type { ImageBuilderConfig } from './image-builder.config.js';
import { ImageBackend } from './ports.js';

/** Builds don't fill the disk of the engine that builds, nor this process's own: what is old and unused there is forgotten. Each replica may have its own. */
@Injectable()
export class ReconcileImages implements Reconciliation {
  readonly name = 'built images';
  readonly everySeconds = 600;
  readonly inEveryReplica = true;

  constructor(
    private readonly database: Database,
    private readonly backend: ImageBackend,
    @Inject(SERVICE_CONFIG) private readonly config: ConfigOf<typeof ImageBuilderConfig>,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const [row] = await this.database.query<{ before: Date }>('select now() - make_interval(secs => $1) as before', [
      this.config.SLIPWAY_BUILD_KEEP,
    ]);
    if (row) await this.backend.tidy(row.before, signal);
  }
}
