import { Injectable } from '@nestjs/common';
import type { BuildCancelled } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Releases } from './ports.js';

/** No image will come: a tag on the revision waits no longer and is built by itself. */
@Injectable()
export class OnBuildCancelled implements Handler<typeof BuildCancelled> {
  constructor(private readonly releases: Releases) {}

  async handle(event: Received<typeof BuildCancelled>, unit: UnitOfWork): Promise<void> {
    await this.releases.built(unit.tx, event.data.release.id, null);
  }
}
