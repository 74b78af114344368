import { Injectable } from '@nestjs/common';
import type { ApprovalRejected } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { authorsToTell } from './domain/audience.js';
import { People } from './ports.js';

/** The tester’s no reaches the authors with its reason. */
@Injectable()
export class OnApprovalRejected implements Handler<typeof ApprovalRejected> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof ApprovalRejected>, unit: UnitOfWork): Promise<void> {
    const authors = authorsToTell(event.data.authors, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'approval.rejected', data: event.data }, authors);
  }
}
