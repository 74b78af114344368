import { Injectable } from '@nestjs/common';
import type { ImageBuilt } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { pollNow } from './polling.js';
import { Releases, Sources } from './ports.js';

/** A release has its image: kept for tags on its revision and for configuration releases. A tag may be waiting for it. */
@Injectable()
export class OnImageBuilt implements Handler<typeof ImageBuilt> {
  constructor(
    private readonly sources: Sources,
    private readonly releases: Releases,
  ) {}

  async handle(event: Received<typeof ImageBuilt>, unit: UnitOfWork): Promise<void> {
    const { release, image } = event.data;
    await this.releases.built(unit.tx, release.id, image);
    const source = await this.sources.lock(unit.tx, release.project);
    const { git, svn } = source?.file?.spec.source ?? {};
    if (source && ((git ?? svn)?.tags.length ?? 0) > 0) await pollNow(unit.tx, source);
  }
}
