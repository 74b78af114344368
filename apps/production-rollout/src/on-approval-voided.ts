import { Injectable } from '@nestjs/common';
import type { ApprovalVoided } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Rollouts } from './ports.js';
import { Telling } from './telling.js';

/** A grant no longer stands: a rollout that still waits ends. One under way goes on; its grant was used. */
@Injectable()
export class OnApprovalVoided implements Handler<typeof ApprovalVoided> {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly telling: Telling,
  ) {}

  async handle({ data }: Received<typeof ApprovalVoided>, unit: UnitOfWork): Promise<void> {
    const rollout = await this.rollouts.ofRequest(unit.tx, data.request);
    if (rollout?.state === 'waiting') await this.telling.aborted(unit, rollout, data.reason, null);
  }
}
