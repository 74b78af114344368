import { Injectable } from '@nestjs/common';
import type { ApprovalSuperseded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { RequestEnds } from './request-ends.js';

/** A newer release was granted: the grant of the older one is never good again, whatever becomes of the newer. */
@Injectable()
export class OnApprovalSuperseded implements Handler<typeof ApprovalSuperseded> {
  constructor(private readonly ends: RequestEnds) {}

  async handle({ data }: Received<typeof ApprovalSuperseded>, unit: UnitOfWork): Promise<void> {
    const { number } = data.by;
    const reason = { code: 'superseded', message: `release ${number} goes instead` };
    await this.ends.hear(unit, data.request, { reason, supersededBy: number });
  }
}
