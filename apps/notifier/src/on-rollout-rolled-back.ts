import { Injectable } from '@nestjs/common';
import type { RolloutRolledBack } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Deliveries } from './deliveries.js';

/** An environment that went back is news for the webhook. */
@Injectable()
export class OnRolloutRolledBack implements Handler<typeof RolloutRolledBack> {
  constructor(private readonly deliveries: Deliveries) {}

  async handle(event: Received<typeof RolloutRolledBack>, unit: UnitOfWork): Promise<void> {
    await this.deliveries.post(unit, event);
  }
}
