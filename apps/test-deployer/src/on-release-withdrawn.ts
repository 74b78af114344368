import { Injectable } from '@nestjs/common';
import type { ReleaseWithdrawn } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { Decided } from './decided.js';
import { isUnderWay } from './domain/test-environment.js';
import { Decisions, Deployments } from './ports.js';
import { Stopping } from './stopping.js';

/** A release shall run nowhere any more: what waits or is under way is given up, and it keeps no environment from others. */
@Injectable()
export class OnReleaseWithdrawn implements Handler<typeof ReleaseWithdrawn> {
  constructor(
    private readonly decisions: Decisions,
    private readonly deployments: Deployments,
    private readonly stopping: Stopping,
    private readonly decided: Decided,
  ) {}

  async handle({ data }: Received<typeof ReleaseWithdrawn>, unit: UnitOfWork): Promise<void> {
    const { release, by, reason } = data;
    await this.decisions.withdraw(unit.tx, release);
    const attempts = await this.deployments.ofRelease(unit.tx, release.id);
    for (const each of attempts.filter(isUnderWay)) {
      await this.stopping.stop(unit, each, { code: 'withdrawn', message: `withdrawn by ${by.name}: ${reason}` });
    }
    await this.decided.letOthersIn(unit, release);
  }
}
