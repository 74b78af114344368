import { Injectable } from '@nestjs/common';
import type { BuildFailed } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { authorsToTell } from './domain/audience.js';
import { People } from './ports.js';

/** The authors hear which step of the build failed, and the end of its log. */
@Injectable()
export class OnBuildFailed implements Handler<typeof BuildFailed> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof BuildFailed>, unit: UnitOfWork): Promise<void> {
    const authors = authorsToTell(event.data.authors, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'build.failed', data: event.data }, authors);
  }
}
