import { Injectable } from '@nestjs/common';
import { inSeconds, RolloutAdvanced } from '@slipway/contracts';
import { goingOn, inOtherHands, type RolloutState, rollOut, type StepAnswer } from '@slipway/deployments';
import type { Claim, Outcome } from '@slipway/operations';
import type { Deployment, Orchestrator } from '@slipway/orchestrators';
import { Beginning } from './beginning.js';
import { aheadOf, isBehind } from './domain/ahead.js';
import { lastGoodOf, type Rollout } from './domain/environment.js';
import { isUnderWay } from './domain/once.js';
import { Ending } from './ending.js';
import { type Before, goingBack, standsAfter } from './going-back.js';
import { Hands } from './hands.js';
import { Placing } from './placing.js';
import { Rollouts } from './ports.js';

type RolloutClaim = Claim<{ rollout: string }>;

/** The longest a single call to a target may take. */
export const callTimeoutMs = 8_000;

/** Drives a rollout that has begun to its verdict, or as far as this claim allows. */
@Injectable()
export class Driving {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly placing: Placing,
    private readonly beginning: Beginning,
    private readonly ending: Ending,
    private readonly hands: Hands,
  ) {}

  async drive(claim: RolloutClaim, orchestrator: Orchestrator): Promise<Outcome> {
    const { rollout, goal, before, behind } = await this.read(claim);
    const unproven = this.beginning.unproven(rollout);
    if (unproven) throw new Error(`rollout ${rollout.id} is under way and its proof is gone: ${unproven.message}`);
    const ahead = aheadOf(rollout.attempt, (await orchestrator.observe(goal.environment, claim.signal)).instances);
    if (ahead !== undefined) {
      await this.ending.overtaken(claim, rollout, ahead);
      return { done: true };
    }
    const { progress } = claim.operation;
    const back = before && (await goingBack(before, goal, orchestrator, isState(progress), claim.signal));
    // A rollback that fails stops where it is: going back and forth would be a loop. What has lost its way back, or went over what nobody here knows, is left to people.
    const mayGoBack = rollout.kind !== 'rollback' && !behind && (before === undefined || back !== undefined);
    let ready = 0;
    const run = await this.hands.on(rollout, claim, (own) =>
      rollOut({
        orchestrator,
        claim: own,
        goal,
        ...back,
        policy: policyOf(rollout, mayGoBack),
        callTimeoutMs,
        ...(isState(progress) ? { state: progress } : {}),
        mayStep: () => this.mayStep(claim, rollout, mayGoBack),
        save: (state) => claim.note(state),
        onObserved: (observed) => {
          for (const part of ['target', 'registry']) claim.answers(part);
          const healthy = observed.instances.filter(
            (instance) => instance.digest === rollout.deployment.image.digest && instance.healthy && instance.inService,
          ).length;
          if (healthy > ready) this.advance(claim, rollout, healthy, observed.wanted);
          ready = healthy;
        },
      }),
    );
    if (!run) return inOtherHands;
    if (!run.ended) return goingOn(run, rollout.environment);
    const stands = standsAfter(run.verdict, { orchestrator, environment: goal.environment }, back);
    await this.ending.end(claim, rollout, run.verdict, stands);
    return { done: true };
  }

  /** The rollout as it is kept, and what it goes back to. */
  private async read(claim: RolloutClaim): Promise<{ rollout: Rollout; goal: Deployment; before: Before | undefined; behind: boolean }> {
    return claim.transact(async ({ tx }) => {
      const rollout = (await this.rollouts.find(tx, claim.operation.input.rollout)) as Rollout;
      const { project, environment, deployment, attempt, kind } = rollout;
      const state = await this.rollouts.environment(tx, project, environment);
      if (!isUnderWay(state, rollout)) throw new Error(`rollout ${rollout.id} is not under way, whatever its row says: it was put back`);
      const goal = this.placing.goal(deployment, attempt, state.scaledTo);
      const past = kind === 'rollback' ? undefined : lastGoodOf(state, await this.rollouts.withdrawn(tx, project));
      const behind = isBehind(state);
      if (!past) return { rollout, goal, before: undefined, behind };
      const standing = await this.rollouts.standing(tx, past);
      const before = {
        deployment: this.placing.goal(standing.deployment, standing.attempt, state.scaledTo),
        at: await this.placing.where(tx, standing.deployment),
        isRunning: standing.rollout === state.running?.rollout,
      };
      return { rollout, goal, before, behind };
    });
  }

  /** A withdrawn release goes no further, and a rollback does not wait for what it is asked to undo. */
  private async mayStep(claim: RolloutClaim, { kind, project, environment, release }: Rollout, mayGoBack: boolean): Promise<StepAnswer> {
    const abort = mayGoBack ? 'rollback' : 'hold';
    const { withdrawn, back } = await claim.read(async (tx) => ({
      withdrawn: (await this.rollouts.withdrawn(tx, project)).has(release.id),
      back: await this.rollouts.rollbackWaits(tx, project, environment),
    }));
    if (withdrawn) return { go: false, abort, reason: 'the release was withdrawn' };
    if (back && kind === 'rollout') return { go: false, abort, reason: 'somebody asked to go back' };
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

function policyOf({ deployment }: Rollout, mayGoBack: boolean) {
  return { deadlineMs: inSeconds(deployment.deadline) * 1000, onFailure: mayGoBack ? deployment.onFailure : ('hold' as const) };
}

function isState(progress: unknown): progress is RolloutState {
  return typeof progress === 'object' && progress !== null && 'phase' in progress;
}
