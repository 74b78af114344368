import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { Reconciliation } from '@slipway/operations';
import { SERVICE_CONFIG } from '@slipway/service-kit';
import { forgetCopies } from '@slipway/source-control';
import { Repositories, Sources } from './ports.js';
import type { SourceWatcherConfig } from './source-watcher.config.js';

/** Who was used so lately may be of a source that was applied since this looked, in ms. */
const unusedMs = 3_600_000;

/** Copies of sources that nobody watches any more go from this replica's own disk: who was told that a source went away gave back its own only. */
@Injectable()
export class ReconcileCopies implements Reconciliation {
  readonly name = 'copies';
  readonly everySeconds = 3600;
  readonly inEveryReplica = true;

  constructor(
    private readonly sources: Sources,
    private readonly repositories: Repositories,
    @Inject(SERVICE_CONFIG) private readonly config: SourceWatcherConfig,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    const before = new Date(Date.now() - unusedMs);
    const but = [];
    for (const { project } of await this.sources.live()) {
      signal.throwIfAborted();
      const watched = await this.sources.find(project);
      if (watched?.file?.spec.source.git) but.push(this.repositories.of(project, watched.file).source);
    }
    await forgetCopies(join(this.config.SLIPWAY_DATA_DIR, 'sources'), before, { but, signal });
  }
}
