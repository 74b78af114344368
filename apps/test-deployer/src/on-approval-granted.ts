import { Injectable } from '@nestjs/common';
import type { ApprovalGranted } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decided } from './decided.js';

/** People said yes: the release no longer keeps its test environment. */
@Injectable()
export class OnApprovalGranted implements Handler<typeof ApprovalGranted> {
  constructor(private readonly decided: Decided) {}

  async handle({ data }: Received<typeof ApprovalGranted>, unit: UnitOfWork): Promise<void> {
    await this.decided.keep(unit, data);
  }
}
