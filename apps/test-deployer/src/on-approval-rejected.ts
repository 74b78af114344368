import { Injectable } from '@nestjs/common';
import type { ApprovalRejected } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decided } from './decided.js';

/** Somebody said no: the release no longer keeps its test environment. */
@Injectable()
export class OnApprovalRejected implements Handler<typeof ApprovalRejected> {
  constructor(private readonly decided: Decided) {}

  async handle({ data }: Received<typeof ApprovalRejected>, unit: UnitOfWork): Promise<void> {
    await this.decided.keep(unit, data);
  }
}
