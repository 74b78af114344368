import { Injectable } from '@nestjs/common';
import type { ApprovalSuperseded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';
import { peopleToTell } from './domain/audience.js';
import { People } from './ports.js';

/** Whoever signed hears that another release goes instead, or runs there already. */
@Injectable()
export class OnApprovalSuperseded implements Handler<typeof ApprovalSuperseded> {
  constructor(
    private readonly people: People,
    private readonly deliveries: Deliveries,
  ) {}

  async handle(event: Received<typeof ApprovalSuperseded>, unit: UnitOfWork): Promise<void> {
    const ids = (event.data.signedBy ?? []).map(({ id }) => id);
    // Mostly nobody had: then nobody is looked for.
    const signers = ids.length === 0 ? [] : peopleToTell(ids, await this.people.all(unit.tx));
    await this.deliveries.tell(unit, event, { template: 'approval.superseded', data: event.data }, signers);
  }
}
