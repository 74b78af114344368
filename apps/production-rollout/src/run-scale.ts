import { Injectable } from '@nestjs/common';
import { EnvironmentScaled, environmentKey, type PersonReference } from '@slipway/contracts';
import { awaiting } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { TargetUnavailable } from '@slipway/orchestrators';
import { Converging, type Held } from './converging.js';

interface Input {
  readonly project: string;
  readonly environment: string;
  readonly from: number;
  readonly by: PersonReference;
  readonly reason: string;
}

/** Brings an environment to the number of instances a person asked for, and says when it has it. */
@Injectable()
export class RunScale implements Work<Input> {
  readonly kind = 'scale';
  readonly callTimeoutMs = 8_000;

  constructor(private readonly converging: Converging) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    let held: Held | undefined;
    try {
      held = await this.converging.look(claim);
      if (!held) return { again: { afterMs: 1000, reason: 'waits for a rollout, which is under way or has to come first' } };
      const reached = await this.converging.converge(claim, held);
      if (reached === undefined) return { again: { afterMs: 1000, reason: 'the target does not answer, or a rollout goes first' } };
      if (!reached) return { again: { afterMs: 10_000, reason: 'not all instances are healthy' } };
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, claim.operation.input.environment, 1000);
      throw error;
    }
    const { project, environment, from, by, reason } = claim.operation.input;
    const to = held.state.scaledTo ?? held.state.running?.deployment.app.instances ?? 0;
    await claim.complete(async (unit) => {
      const seconds = (unit.now.getTime() - claim.operation.createdAt.getTime()) / 1000;
      unit.publish(EnvironmentScaled, {
        subject: environmentKey(project, environment),
        data: { project, environment, from, to, by, reason, seconds: Math.max(0, seconds) },
      });
    });
    return { done: true };
  }
}
