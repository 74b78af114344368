import { Injectable } from '@nestjs/common';
import type { ApprovalExpired } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';

/** An expired request is news for the webhook; nobody in particular waits for it. */
@Injectable()
export class OnApprovalExpired implements Handler<typeof ApprovalExpired> {
  constructor(private readonly deliveries: Deliveries) {}

  async handle(event: Received<typeof ApprovalExpired>, unit: UnitOfWork): Promise<void> {
    await this.deliveries.post(unit, event);
  }
}
