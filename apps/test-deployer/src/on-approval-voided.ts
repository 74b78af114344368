import { Injectable } from '@nestjs/common';
import type { ApprovalVoided } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decided } from './decided.js';

/** A request no longer stands: the release no longer keeps its test environment. */
@Injectable()
export class OnApprovalVoided implements Handler<typeof ApprovalVoided> {
  constructor(private readonly decided: Decided) {}

  async handle({ data }: Received<typeof ApprovalVoided>, unit: UnitOfWork): Promise<void> {
    await this.decided.keep(unit, data);
  }
}
