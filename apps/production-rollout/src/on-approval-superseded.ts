import { Injectable } from '@nestjs/common';
import type { ApprovalSuperseded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { RequestEnds } from './request-ends.js';

/** A newer release was granted, or what runs holds this one: its grant is never good again, whatever becomes of the other. */
@Injectable()
export class OnApprovalSuperseded implements Handler<typeof ApprovalSuperseded> {
  constructor(private readonly ends: RequestEnds) {}

  async handle({ data }: Received<typeof ApprovalSuperseded>, unit: UnitOfWork): Promise<void> {
    const { number } = data.by;
    const reason = { code: 'superseded', message: `release ${number} ${data.runs ? 'runs here already' : 'goes instead'}` };
    await this.ends.hear(unit, data.request, { reason, supersededBy: number });
  }
}
