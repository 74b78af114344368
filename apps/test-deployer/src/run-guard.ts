import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { environmentKey } from '@slipway/contracts';
import { awaiting, deploymentOf, driftFrom, SecretChanged } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type Deployment, type Observed, type Orchestrator, TargetUnavailable } from '@slipway/orchestrators';
import { Deployments, Places, Secrets } from './ports.js';

interface Input {
  readonly project: string;
  readonly environment: string;
}

interface Guarded {
  readonly orchestrator: Orchestrator;
  readonly goal: Deployment;
}

/** How long one watch lasts before everything is looked at afresh: what no event told shows then. */
const watchMs = 30_000;
/** A deployment that comes to its end wakes the guard; this is for what was missed. */
const restMs = 60_000;
const healingMs = 30_000;
const betweenStepsMs = 300;

/** Watches over a test environment that came up: brings back what dies there. What failed to come up stays as it is, for a look. Never ends. */
@Injectable()
export class RunGuard implements Work<Input> {
  readonly kind = 'guard';
  readonly callTimeoutMs = 8_000;
  /** There is one for each environment, and no release waits for it: renewed seldom. */
  readonly leaseMs = 16_000;
  readonly concurrency = 500;

  constructor(
    private readonly deployments: Deployments,
    private readonly places: Places,
    private readonly secrets: Secrets,
  ) {}

  async run(claim: Claim<Input>): Promise<Outcome> {
    const guarded = await this.look(claim);
    if (!guarded) return { again: { afterMs: restMs, reason: 'nothing to guard now' } };
    try {
      return { again: { afterMs: (await this.watch(claim, guarded)) ? 0 : 5000, reason: 'watches on' } };
    } catch (error) {
      if (error instanceof TargetUnavailable) return awaiting(error, claim.operation.input.environment, 5000);
      if (error instanceof SecretChanged) return { again: { afterMs: 5000, reason: error.message } };
      throw error;
    }
  }

  /** What should run; undefined while a deployment is under way, or what came last did not come up. */
  private async look(claim: Claim<Input>): Promise<Guarded | undefined> {
    const { project, environment } = claim.operation.input;
    const { state, deployment } = await claim.transact(async ({ tx }) => {
      const found = await this.deployments.known(tx, project, environment);
      return { state: found, deployment: found?.occupant ? await this.deployments.peek(tx, found.occupant.deployment) : undefined };
    });
    const isUp = ['verifying', 'passed', 'failed'].includes(state?.occupant?.state ?? '');
    if (!state?.place || !isUp || state.removing || !deployment?.resolved) return undefined;
    const readSecret = (name: string, version: string) => this.secrets.read(project, name, version);
    return {
      orchestrator: this.places.orchestratorOf(state.place.file),
      goal: deploymentOf(deployment.resolved, { attempt: deployment.attempt, readSecret }),
    };
  }

  /** True when it is time to look at everything afresh, false when what is wrong could not be mended. */
  private async watch(claim: Claim<Input>, { orchestrator, goal }: Guarded): Promise<boolean> {
    const signal = AbortSignal.any([claim.signal, AbortSignal.timeout(watchMs)]);
    for await (const observed of orchestrator.watch(goal.environment, signal)) {
      if (!isWhole(observed, goal)) return this.heal(claim, goal);
    }
    return true;
  }

  /** Step by step, asking before each whether it is still for us to act: a deployment may have begun meanwhile. */
  private async heal(claim: Claim<Input>, { instances }: Deployment): Promise<boolean> {
    const { project, environment } = claim.operation.input;
    // What is not whole is most often what a deployment is changing: nothing is taken from that.
    if (!(await this.look(claim))) return true;
    if (!(await claim.take(environmentKey(project, environment)))) return false;
    const until = performance.now() + healingMs;
    while (performance.now() < until) {
      const still = await this.look(claim);
      if (still?.goal.instances !== instances) return true;
      const applied = await claim.act(this.callTimeoutMs, (acting) => still.orchestrator.apply(still.goal, acting));
      if (applied.progress === 'refused') return false;
      if (isWhole(applied, still.goal)) return true;
      await delay(betweenStepsMs, undefined, { signal: claim.signal });
    }
    return false;
  }
}

function isWhole(observed: Observed, goal: Deployment): boolean {
  return driftFrom(goal, observed).length === 0 && observed.ready >= goal.instances;
}
