import { Injectable } from '@nestjs/common';
import { awaiting } from '@slipway/deployments';
import type { Outcome, Work } from '@slipway/operations';
import { TargetUnavailable } from '@slipway/orchestrators';
import { Beginning } from './beginning.js';
import { callTimeoutMs, Deploying, type DeploymentClaim } from './deploying.js';
import { Ending } from './ending.js';
import { Deployments } from './ports.js';

/** Takes a deployment from its turn to its verdict. Started again after a crash it looks first and goes on. */
@Injectable()
export class RunDeployment implements Work<{ deployment: string }> {
  readonly kind = 'deployment';
  readonly callTimeoutMs = callTimeoutMs;
  readonly concurrency = 16;
  readonly yields = 'first';

  constructor(
    private readonly deployments: Deployments,
    private readonly beginning: Beginning,
    private readonly deploying: Deploying,
    private readonly ending: Ending,
  ) {}

  async run(claim: DeploymentClaim): Promise<Outcome> {
    const deployment = await claim.read((tx) => this.deployments.peek(tx, claim.operation.input.deployment));
    if (deployment?.state === 'waiting') {
      const begun = await this.beginning.begin(claim, deployment);
      if (begun === 'ended') return { done: true };
      if (begun !== 'begun') return { again: { afterMs: begun.afterMs, reason: begun.waitsFor } };
    } else if (deployment?.state !== 'deploying') return { done: true };
    try {
      return await this.deploying.drive(claim);
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, deployment.environment, 1000);
      throw error;
    }
  }

  async cancelled(claim: DeploymentClaim, reason: string): Promise<void> {
    await this.ending.cancelled(claim, claim.operation.input.deployment, reason);
  }
}
