import { Injectable } from '@nestjs/common';
import type { DeploymentFailed } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { authorsToTell } from './domain/audience.js';
import { People } from './ports.js';

/** The authors hear why their change did not start in the test environment. */
@Injectable()
export class OnDeploymentFailed implements Handler<typeof DeploymentFailed> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof DeploymentFailed>, unit: UnitOfWork): Promise<void> {
    const authors = authorsToTell(event.data.authors, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'deployment.failed', data: event.data }, authors);
  }
}
