import { Injectable } from '@nestjs/common';
import type { TargetApplied } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Applied } from './ports.js';

/** A target is as its operators say. */
@Injectable()
export class OnTargetApplied implements Handler<typeof TargetApplied> {
  constructor(private readonly applied: Applied) {}

  async handle({ data }: Received<typeof TargetApplied>, unit: UnitOfWork): Promise<void> {
    await this.applied.keepTarget(unit.tx, data.target, data.version, data.file);
  }
}
