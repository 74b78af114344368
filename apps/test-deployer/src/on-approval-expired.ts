import { Injectable } from '@nestjs/common';
import type { ApprovalExpired } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decided } from './decided.js';

/** Nobody decided in time: the release no longer keeps its test environment. */
@Injectable()
export class OnApprovalExpired implements Handler<typeof ApprovalExpired> {
  constructor(private readonly decided: Decided) {}

  async handle({ data }: Received<typeof ApprovalExpired>, unit: UnitOfWork): Promise<void> {
    await this.decided.keep(unit, data);
  }
}
