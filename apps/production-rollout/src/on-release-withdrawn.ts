import { Injectable } from '@nestjs/common';
import type { ReleaseWithdrawn } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Rollouts } from './ports.js';
import { Telling } from './telling.js';

/** A release shall run nowhere any more: what waits ends, what is under way stops before its next step, and no rollback chooses it. */
@Injectable()
export class OnReleaseWithdrawn implements Handler<typeof ReleaseWithdrawn> {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly telling: Telling,
  ) {}

  async handle({ data }: Received<typeof ReleaseWithdrawn>, unit: UnitOfWork): Promise<void> {
    await this.rollouts.withdraw(unit.tx, data.release);
    for (const waiting of await this.rollouts.waitingOf(unit.tx, data.release.id)) {
      await this.telling.aborted(unit, waiting, { code: 'withdrawn', message: data.reason }, null);
    }
  }
}
