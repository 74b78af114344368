import { Injectable } from '@nestjs/common';
import { EnvironmentRemoved, environmentKey } from '@slipway/contracts';
import { awaiting, inOtherHands } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { TargetUnavailable } from '@slipway/orchestrators';
import { Deployments, Places } from './ports.js';

interface Input {
  readonly project: string;
  readonly environment: string;
}

/** Takes away a test environment that its project no longer has, wherever it ran, and says so. */
@Injectable()
export class RunRemoval implements Work<Input> {
  readonly kind = 'removal';
  readonly callTimeoutMs = 8_000;

  constructor(
    private readonly deployments: Deployments,
    private readonly places: Places,
  ) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    const { project, environment } = claim.operation.input;
    const { state, running } = await claim.transact(async ({ tx }) => ({
      state: await this.deployments.known(tx, project, environment),
      running: await this.deployments.running(tx, project, environment),
    }));
    if (!state?.removing) return { done: true };
    if (running) return { again: { afterMs: 500, reason: `release ${running.release.number} is being stopped there` } };
    if (!(await claim.take(environmentKey(project, environment)))) return inOtherHands;
    try {
      for (const place of [state.leaving, state.place]) {
        if (!place) continue;
        const [orchestrator, there] = [this.places.orchestratorOf(place.file), { project, environment, namespace: place.namespace }];
        const isGone = await claim.act(this.callTimeoutMs, (acting) => orchestrator.remove(there, acting));
        if (!isGone) return { again: { afterMs: 1000, reason: 'somebody else uses its network' } };
      }
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, environment, 2000);
      throw error;
    }
    await claim.complete(async (unit) => {
      const { removing } = await this.deployments.environment(unit.tx, project, environment);
      if (!removing) return;
      await this.deployments.dropEnvironment(unit.tx, project, environment);
      unit.publish(EnvironmentRemoved, {
        subject: environmentKey(project, environment),
        data: { project, environment, reason: removing },
      });
    });
    return { done: true };
  }
}
