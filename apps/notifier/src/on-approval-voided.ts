import { Injectable } from '@nestjs/common';
import type { ApprovalVoided } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { peopleToTell } from './domain/audience.js';
import { People } from './ports.js';

/** Whoever signed hears that it counts no more, and why; who may sign what is asked anew hears of that by itself. */
@Injectable()
export class OnApprovalVoided implements Handler<typeof ApprovalVoided> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof ApprovalVoided>, unit: UnitOfWork): Promise<void> {
    const ids = (event.data.signedBy ?? []).map(({ id }) => id);
    // Mostly nobody had: then nobody is looked for.
    const signers = ids.length === 0 ? [] : peopleToTell(ids, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'approval.voided', data: event.data }, signers);
  }
}
