import { Injectable } from '@nestjs/common';
import type { ApprovalSuperseded } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decided } from './decided.js';

/** A newer release took the place of a request: the release no longer keeps its test environment. */
@Injectable()
export class OnApprovalSuperseded implements Handler<typeof ApprovalSuperseded> {
  constructor(private readonly decided: Decided) {}

  async handle({ data }: Received<typeof ApprovalSuperseded>, unit: UnitOfWork): Promise<void> {
    await this.decided.keep(unit, data);
  }
}
