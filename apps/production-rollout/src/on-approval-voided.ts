import { Injectable } from '@nestjs/common';
import type { ApprovalVoided } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { RequestEnds } from './request-ends.js';

/** A grant no longer stands. */
@Injectable()
export class OnApprovalVoided implements Handler<typeof ApprovalVoided> {
  constructor(private readonly ends: RequestEnds) {}

  async handle({ data }: Received<typeof ApprovalVoided>, unit: UnitOfWork): Promise<void> {
    await this.ends.hear(unit, data.request, { reason: data.reason, supersededBy: null });
  }
}
