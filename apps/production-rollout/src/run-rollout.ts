import { Injectable } from '@nestjs/common';
import { inSeconds, RolloutAdvanced } from '@slipway/contracts';
import { deploymentOf, type RolloutState, rollOut, type StepAnswer } from '@slipway/deployments';
import type { Claim, Outcome, Work } from '@slipway/operations';
import { type Orchestrator, TargetUnavailable } from '@slipway/orchestrators';
import { Beginning } from './beginning.js';
import type { EnvironmentState, Rollout } from './domain/environment.js';
import { Ending } from './ending.js';
import { Applied, Places, Rollouts, Secrets } from './ports.js';

type RolloutClaim = Claim<{ rollout: string }>;

const callTimeoutMs = 12_000;

/** Takes a rollout from its turn to its verdict. Started again after a crash it looks first and goes on. */
@Injectable()
export class RunRollout implements Work<{ rollout: string }> {
  readonly kind = 'rollout';
  readonly callTimeoutMs = callTimeoutMs;
  readonly leaseMs = 18_000;
  readonly concurrency = 16;

  constructor(
    private readonly rollouts: Rollouts,
    private readonly applied: Applied,
    private readonly places: Places,
    private readonly beginning: Beginning,
    private readonly driving: Driving,
  ) {}

  async run(claim: RolloutClaim): Promise<Outcome> {
    const { rollout, target } = await claim.transact(async ({ tx }) => {
      const found = await this.rollouts.find(tx, claim.operation.input.rollout);
      return { rollout: found, target: found && (await this.applied.target(tx, found.deployment.target.name)) };
    });
    if (!rollout || (rollout.state !== 'waiting' && rollout.state !== 'running')) return { done: true };
    if (!target?.file) return { again: { afterMs: 5000, reason: `target ${rollout.deployment.target.name} is not known here` } };
    const orchestrator = this.places.orchestratorOf(target.file);
    try {
      if (rollout.state === 'waiting') {
        const begun = await this.beginning.begin(claim, rollout, orchestrator);
        if (begun === 'ended') return { done: true };
        if (begun !== 'begun') return { again: { afterMs: 1000, reason: begun.waitsFor } };
      }
      return await this.driving.drive(claim, orchestrator);
    } catch (error) {
      if (error instanceof TargetUnavailable)
        return { again: { afterMs: 1000, reason: `${error.part} does not answer: ${error.message}` } };
      throw error;
    }
  }
}

/** Drives a rollout that has begun to its verdict, or as far as this claim allows. */
@Injectable()
export class Driving {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly secrets: Secrets,
    private readonly beginning: Beginning,
    private readonly ending: Ending,
  ) {}

  async drive(claim: RolloutClaim, orchestrator: Orchestrator): Promise<Outcome> {
    const { rollout, environment } = await claim.transact(async ({ tx }) => {
      const found = (await this.rollouts.find(tx, claim.operation.input.rollout)) as Rollout;
      return { rollout: found, environment: await this.rollouts.environment(tx, found.project, found.environment) };
    });
    const unproven = this.beginning.unproven(rollout);
    if (unproven) throw new Error(`rollout ${rollout.id} is under way and its proof is gone: ${unproven.message}`);
    let ready = 0;
    const run = await rollOut({
      orchestrator,
      claim,
      ...this.goals(rollout, environment),
      policy: policyOf(rollout),
      callTimeoutMs: callTimeoutMs - 2000,
      ...(isState(claim.operation.progress) ? { state: claim.operation.progress } : {}),
      mayStep: () => this.mayStep(claim, rollout),
      save: (state) => claim.note(state),
      onObserved: (observed) => {
        const healthy = observed.instances.filter(
          (instance) => instance.release === rollout.release.id && instance.healthy && instance.inService,
        ).length;
        if (healthy > ready) this.advance(claim, rollout, healthy, observed.wanted);
        ready = healthy;
      },
    });
    if (!run.ended) return { again: { afterMs: run.afterMs, reason: run.reason } };
    await this.ending.end(claim, rollout, run.verdict, orchestrator);
    return { done: true };
  }

  private goals(rollout: Rollout, environment: EnvironmentState) {
    const readSecret = (name: string, version: string) => this.secrets.read(rollout.project, name, version);
    const late = { readSecret, ...(environment.scaledTo === null ? {} : { instances: environment.scaledTo }) };
    const goal = deploymentOf(rollout.deployment, { attempt: rollout.attempt, ...late });
    const { running } = environment;
    // A rollback that fails stops where it is: going back and forth would be a loop.
    if (!running || rollout.kind === 'rollback') return { goal };
    return { goal, lastGood: deploymentOf(running.deployment, { attempt: running.attempt, ...late }) };
  }

  private async mayStep(claim: RolloutClaim, { project, release }: Rollout): Promise<StepAnswer> {
    const withdrawn = await claim.transact(({ tx }) => this.rollouts.withdrawn(tx, project));
    return withdrawn.has(release.id) ? { go: false, abort: true, reason: 'the release was withdrawn' } : { go: true };
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
