import { Injectable } from '@nestjs/common';
import { inSeconds, RolloutAdvanced } from '@slipway/contracts';
import { deploymentOf, type RolloutState, rollOut, type StepAnswer } from '@slipway/deployments';
import type { Claim, Outcome } from '@slipway/operations';
import type { Orchestrator } from '@slipway/orchestrators';
import { Beginning } from './beginning.js';
import { type EnvironmentState, lastGoodOf, type Rollout, type Standing } from './domain/environment.js';
import { Ending } from './ending.js';
import { Hands } from './hands.js';
import { Rollouts, Secrets } from './ports.js';

type RolloutClaim = Claim<{ rollout: string }>;

/** The longest a single call to a target may take. */
export const callTimeoutMs = 12_000;

/** Drives a rollout that has begun to its verdict, or as far as this claim allows. */
@Injectable()
export class Driving {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly secrets: Secrets,
    private readonly beginning: Beginning,
    private readonly ending: Ending,
    private readonly hands: Hands,
  ) {}

  async drive(claim: RolloutClaim, orchestrator: Orchestrator): Promise<Outcome> {
    const { rollout, environment, withdrawn } = await claim.transact(async ({ tx }) => {
      const found = (await this.rollouts.find(tx, claim.operation.input.rollout)) as Rollout;
      return {
        rollout: found,
        environment: await this.rollouts.environment(tx, found.project, found.environment),
        withdrawn: await this.rollouts.withdrawn(tx, found.project),
      };
    });
    const unproven = this.beginning.unproven(rollout);
    if (unproven) throw new Error(`rollout ${rollout.id} is under way and its proof is gone: ${unproven.message}`);
    let ready = 0;
    const run = await this.hands.on(rollout, claim, (own) =>
      rollOut({
        orchestrator,
        claim: own,
        ...this.goals(rollout, environment, lastGoodOf(environment, withdrawn)),
        policy: policyOf(rollout),
        callTimeoutMs: 8000,
        ...(isState(claim.operation.progress) ? { state: claim.operation.progress } : {}),
        mayStep: () => this.mayStep(claim, rollout),
        save: (state) => claim.note(state),
        onObserved: (observed) => {
          const healthy = observed.instances.filter(
            (instance) => instance.digest === rollout.deployment.image.digest && instance.healthy && instance.inService,
          ).length;
          if (healthy > ready) this.advance(claim, rollout, healthy, observed.wanted);
          ready = healthy;
        },
      }),
    );
    if (!run) return { again: { afterMs: 300, reason: 'the environment is in other hands' } };
    if (!run.ended) return { again: { afterMs: run.afterMs, reason: run.reason } };
    await this.ending.end(claim, rollout, run.verdict, orchestrator);
    return { done: true };
  }

  private goals(rollout: Rollout, environment: EnvironmentState, lastGood: Standing | undefined) {
    const readSecret = (name: string, version: string) => this.secrets.read(rollout.project, name, version);
    const late = { readSecret, ...(environment.scaledTo === null ? {} : { instances: environment.scaledTo }) };
    const goal = deploymentOf(rollout.deployment, { attempt: rollout.attempt, ...late });
    // A rollback that fails stops where it is: going back and forth would be a loop.
    if (!lastGood || rollout.kind === 'rollback') return { goal };
    return { goal, lastGood: deploymentOf(lastGood.deployment, { attempt: lastGood.attempt, ...late }) };
  }

  /** A withdrawn release goes no further, and a rollback does not wait for what it is asked to undo. */
  private async mayStep(claim: RolloutClaim, { kind, project, environment, release }: Rollout): Promise<StepAnswer> {
    const { withdrawn, back } = await claim.transact(async ({ tx }) => ({
      withdrawn: (await this.rollouts.withdrawn(tx, project)).has(release.id),
      back: await this.rollouts.rollbackWaits(tx, project, environment),
    }));
    if (withdrawn) return { go: false, abort: kind === 'rollback' ? 'hold' : 'rollback', reason: 'the release was withdrawn' };
    if (back && kind === 'rollout') return { go: false, abort: 'rollback', reason: 'somebody asked to go back' };
    return { go: true };
  }

  /** Progress is worth an event and never worth a failure. */
  private advance(claim: RolloutClaim, { id, kind, release, environment }: Rollout, ready: number, wanted: number): void {
    const message = `${ready} of ${wanted} instances of release ${release.number} serve`;
    claim
      .transact(async (unit) =>
        unit.publish(RolloutAdvanced, {
          subject: release.id,
          correlationId: release.id,
          data: { rollout: id, kind, release, environment, ready, wanted, message },
        }),
      )
      .catch(() => undefined);
  }
}

function policyOf({ kind, deployment }: Rollout) {
  return { deadlineMs: inSeconds(deployment.deadline) * 1000, onFailure: kind === 'rollback' ? ('hold' as const) : deployment.onFailure };
}

function isState(progress: unknown): progress is RolloutState {
  return typeof progress === 'object' && progress !== null && 'phase' in progress;
}
