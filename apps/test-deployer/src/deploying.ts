import { Injectable } from '@nestjs/common';
import { environmentKey, inSeconds } from '@slipway/contracts';
import { deploymentOf, evidenceOf, goingOn, inOtherHands, type RolloutState, reasonOf, rollOut, SecretChanged } from '@slipway/deployments';
import type { Claim, Outcome } from '@slipway/operations';
import type { Place, TestDeployment } from './domain/test-environment.js';
import { Ending } from './ending.js';
import { Deployments, Places, Secrets } from './ports.js';
import { Resolving } from './resolving.js';

/** The right to work on one deployment. */
export type DeploymentClaim = Claim<{ deployment: string }>;

/** The longest single call to a target, in ms. */
export const callTimeoutMs = 8_000;

/** Drives a deployment that has begun to its verdict, or as far as this claim allows. */
@Injectable()
export class Deploying {
  constructor(
    private readonly deployments: Deployments,
    private readonly places: Places,
    private readonly secrets: Secrets,
    private readonly resolving: Resolving,
    private readonly ending: Ending,
  ) {}

  async drive(claim: DeploymentClaim): Promise<Outcome> {
    const { deployment, state } = await claim.read(async (tx) => {
      const found = await this.deployments.peek(tx, claim.operation.input.deployment);
      return { deployment: found, state: found && (await this.deployments.known(tx, found.project, found.environment)) };
    });
    if (deployment?.state !== 'deploying' || !state?.place) return { done: true };
    const unproven = this.resolving.unproven(deployment);
    if (unproven) await this.ending.failed(claim, deployment, unproven);
    if (unproven) return { done: true };
    if (!(await claim.take(environmentKey(deployment.project, deployment.environment)))) return inOtherHands;
    if (state.leaving && !(await this.leave(claim, deployment, state.leaving)))
      return { again: { afterMs: 500, reason: `what ran on ${state.leaving.file.metadata.name} is being taken away` } };
    try {
      return await this.deploy(claim, deployment, state.place);
    } catch (error) {
      if (!(error instanceof SecretChanged)) throw error;
      const message = `${error.message}; retry the release to test it with the new value`;
      await this.ending.failed(claim, deployment, { code: 'secret-changed', message });
      return { done: true };
    }
  }

  private async deploy(claim: DeploymentClaim, deployment: TestDeployment, place: Place): Promise<Outcome> {
    const { resolved, attempt, project } = deployment;
    if (!resolved) throw new Error(`deployment ${deployment.id} has begun and was never resolved`);
    const orchestrator = this.places.orchestratorOf(place.file);
    const { progress } = claim.operation;
    const goal = deploymentOf(resolved, { attempt, readSecret: (name, version) => this.secrets.read(project, name, version) });
    const run = await rollOut({
      orchestrator,
      claim,
      goal,
      policy: { deadlineMs: inSeconds(resolved.deadline) * 1000, onFailure: resolved.onFailure },
      callTimeoutMs,
      ...(isState(progress) ? { state: progress } : {}),
      save: (state) => claim.note(state),
      onObserved: () => {
        for (const part of ['target', 'registry']) claim.answers(part);
      },
    });
    if (!run.ended) return goingOn(run, deployment.environment);
    const { verdict } = run;
    if (verdict.outcome === 'failed') await this.ending.failed(claim, deployment, reasonOf(verdict.failure), evidenceOf(verdict));
    else {
      const address = verdict.address ?? (await orchestrator.observe(goal.environment, claim.signal)).address ?? '';
      await this.ending.succeeded(claim, deployment, { address, instances: verdict.instances });
    }
    return { done: true };
  }

  /** Its target has changed: what ran at the old place goes before anything starts at the new one, which may be the same machine. */
  private async leave(claim: DeploymentClaim, { project, environment }: TestDeployment, from: Place): Promise<boolean> {
    const orchestrator = this.places.orchestratorOf(from.file);
    const place = { project, environment, namespace: from.namespace };
    if (!(await claim.act(callTimeoutMs, (acting) => orchestrator.remove(place, acting)))) return false;
    await claim.transact(async ({ tx }) => {
      const state = await this.deployments.environment(tx, project, environment);
      await this.deployments.saveEnvironment(tx, { ...state, leaving: null });
    });
    return true;
  }
}

/** What `rollOut` noted in an earlier claim. */
function isState(progress: unknown): progress is RolloutState {
  return typeof progress === 'object' && progress !== null && 'phase' in progress;
}
