import { Injectable } from '@nestjs/common';
import type { ApprovalRequested } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { peopleToTell } from './domain/audience.js';
import { People } from './ports.js';

/** Whoever may sign is asked, once for each request, though the request is said again when its view changes. */
@Injectable()
export class OnApprovalRequested implements Handler<typeof ApprovalRequested> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof ApprovalRequested>, unit: UnitOfWork): Promise<void> {
    const ids = event.data.eligible.map((person) => person.id);
    const approvers = peopleToTell(ids, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'approval.requested', data: event.data }, approvers, event.data.request);
  }
}
