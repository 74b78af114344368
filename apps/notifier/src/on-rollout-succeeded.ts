import { Injectable } from '@nestjs/common';
import type { RolloutSucceeded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';

/** A release that serves is news for the webhook. */
@Injectable()
export class OnRolloutSucceeded implements Handler<typeof RolloutSucceeded> {
  constructor(private readonly deliveries: Deliveries) {}

  async handle(event: Received<typeof RolloutSucceeded>, unit: UnitOfWork): Promise<void> {
    await this.deliveries.post(unit, event);
  }
}
