import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { Release } from '@slipway/contracts';
import { type ConfigOf, SERVICE_CONFIG } from '@slipway/service-kit';
import { createSourceControls, forgetCopies } from '@slipway/source-control';
import type { RecipeSource } from '../domain/recipe.js';
import type { ImageBuilderConfig } from '../image-builder.config.js';

/** How long the copy of a repository that nothing is built from stays, in ms. */
const keptMs = 30 * 24 * 3600 * 1000;

/** The files of a release's revision, exactly, as a tar stream. */
@Injectable()
export class SourceArchives {
  private readonly controls: ReturnType<typeof createSourceControls>;
  private readonly dataDir: string;

  constructor(@Inject(SERVICE_CONFIG) config: ConfigOf<typeof ImageBuilderConfig>) {
    this.dataDir = join(config.SLIPWAY_DATA_DIR, 'sources');
    this.controls = createSourceControls({
      dataDir: this.dataDir,
      secretsDir: config.SLIPWAY_SECRETS_DIR,
      fileFolders: config.SLIPWAY_SOURCE_FILE_FOLDERS,
      caFile: config.SLIPWAY_SOURCE_CA_FILE,
    });
  }

  /** @throws SourceError, also later through the stream. */
  async open(release: Release, source: RecipeSource, signal: AbortSignal): Promise<Readable> {
    const { kind, url, branches, tags, username, credentials, submodules, lfs } = source;
    const control = this.controls[kind];
    const from = {
      name: release.project,
      url,
      branches,
      tags,
      submodules,
      lfs,
      username: username ?? undefined,
      credentials: credentials ?? undefined,
    };
    return await control.archive(from, { ref: release.ref, revision: release.revision }, { signal });
  }

  /** Gives the disk back that copies take of which nothing was built for long: their project was removed, or has another source. */
  async tidy(signal: AbortSignal): Promise<void> {
    await forgetCopies(this.dataDir, new Date(Date.now() - keptMs), { signal });
  }
}
