import { Injectable } from '@nestjs/common';
import type { ApprovalRequested } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decisions } from './ports.js';

/** People are asked about a release: until they have decided, it may keep its test environment. */
@Injectable()
export class OnApprovalRequested implements Handler<typeof ApprovalRequested> {
  constructor(private readonly decisions: Decisions) {}

  async handle({ data }: Received<typeof ApprovalRequested>, unit: UnitOfWork): Promise<void> {
    await this.decisions.open(unit.tx, data);
  }
}
