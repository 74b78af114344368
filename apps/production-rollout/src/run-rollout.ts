import { Injectable } from '@nestjs/common';
import { awaiting } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { TargetUnavailable } from '@slipway/orchestrators';
import { Beginning } from './beginning.js';
import { callTimeoutMs, Driving } from './driving.js';
import { Placing } from './placing.js';
import { Rollouts } from './ports.js';

type RolloutClaim = Claim<{ rollout: string }>;

/** Takes a rollout from its turn to its verdict. Started again after a crash it looks first and goes on. */
@Injectable()
export class RunRollout implements Work<{ rollout: string }> {
  readonly kind = 'rollout';
  readonly callTimeoutMs = callTimeoutMs;
  readonly concurrency = 16;

  constructor(
    private readonly rollouts: Rollouts,
    private readonly placing: Placing,
    private readonly beginning: Beginning,
    private readonly driving: Driving,
  ) {}

  async run(claim: RolloutClaim): Promise<Outcome> {
    const { rollout, place } = await claim.transact(async ({ tx }) => {
      const found = await this.rollouts.find(tx, claim.operation.input.rollout);
      return { rollout: found, place: found && (await this.placing.where(tx, found.deployment)) };
    });
    if (!rollout || !place || (rollout.state !== 'waiting' && rollout.state !== 'running')) return { done: true };
    if ('waitsFor' in place) return { again: { afterMs: 5000, reason: place.waitsFor } };
    const { orchestrator } = place;
    try {
      if (rollout.state === 'waiting') {
        const begun = await this.beginning.begin(claim, rollout, orchestrator);
        if (begun === 'ended') return { done: true };
        if (begun !== 'begun') {
          const { waitsFor, ...again } = begun;
          return { again: { ...again, reason: waitsFor } };
        }
      }
      return await this.driving.drive(claim, orchestrator);
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, rollout.environment, 1000);
      throw error;
    }
  }
}
