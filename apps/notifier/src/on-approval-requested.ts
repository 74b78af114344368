import { Injectable } from '@nestjs/common';
import type { ApprovalRequested } from '@slipway/contracts';
import { type Handler, NotYet, type Received, type UnitOfWork } from '@slipway/messaging';
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
    const people = await this.people.all(unit.tx);
    // Who joins while something is to be signed is news on two topics; the one about the request may be first.
    const stranger = ids.find((id) => !people.some((person) => person.id === id));
    if (stranger !== undefined) throw new NotYet(`person.changed of ${stranger} has not been heard`);
    const approvers = peopleToTell(ids, people);
    await this.deliveries.tell(unit, event, { template: 'approval.requested', data: event.data }, approvers, event.data.request);
  }
}
