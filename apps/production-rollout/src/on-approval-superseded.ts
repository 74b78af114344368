import { Injectable } from '@nestjs/common';
import type { ApprovalSuperseded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Rollouts } from './ports.js';
import { Telling } from './telling.js';

/** A newer release was granted: the rollout of the older one, if it still waits, ends; its grant is never good again, whatever becomes of the newer. */
@Injectable()
export class OnApprovalSuperseded implements Handler<typeof ApprovalSuperseded> {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly telling: Telling,
  ) {}

  async handle({ data }: Received<typeof ApprovalSuperseded>, unit: UnitOfWork): Promise<void> {
    const rollout = await this.rollouts.ofRequest(unit.tx, data.request);
    const { number } = data.by;
    if (rollout?.state === 'waiting')
      await this.telling.aborted(unit, rollout, { code: 'superseded', message: `release ${number} goes instead` }, number);
  }
}
