import { Injectable } from '@nestjs/common';
import type { RolloutFailed } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { authorsToTell } from './domain/audience.js';
import { People } from './ports.js';

/** The authors hear why their change did not become healthy. */
@Injectable()
export class OnRolloutFailed implements Handler<typeof RolloutFailed> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof RolloutFailed>, unit: UnitOfWork): Promise<void> {
    const authors = authorsToTell(event.data.authors, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'rollout.failed', data: event.data }, authors);
  }
}
