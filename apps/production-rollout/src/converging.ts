import { Injectable } from '@nestjs/common';
import { EnvironmentDrifted, environmentKey, inSeconds } from '@slipway/contracts';
import { type RolloutClaim, type RolloutRun, rollOut } from '@slipway/deployments';
import type { Claim } from '@slipway/operations';
import type { Instance } from '@slipway/orchestrators';
import { aheadOf, beside, isBehind, newestBrought } from './domain/ahead.js';
import type { EnvironmentState } from './domain/environment.js';
import { Hands } from './hands.js';
import { Placing, type Whereabouts } from './placing.js';
import { Proofs, Rollouts } from './ports.js';

type Place = Claim<{ readonly project: string; readonly environment: string }>;

/** An environment to be brought to what it should run, and where. */
export interface Held extends Whereabouts {
  readonly state: EnvironmentState;
}

/** Brings an environment back to what was approved for it, by the grant that was used for it and where that says: healing and scaling. */
@Injectable()
export class Converging {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly proofs: Proofs,
    private readonly placing: Placing,
    private readonly hands: Hands,
  ) {}

  /**
   * The environment as it should be; undefined while nothing runs there, a rollout is under way, a failure is held for people to look at, or what runs there
   * is not known: the database was brought back from a backup, and to heal or scale would be to go back. @throws TargetUnavailable
   */
  async look(claim: Place): Promise<Held | undefined> {
    const { project, environment } = claim.operation.input;
    const { state, place, rolling, withdrawn } = await claim.transact(async ({ tx }) => {
      const found = await this.rollouts.environment(tx, project, environment);
      return {
        state: found,
        place: found.running && (await this.placing.where(tx, found.running.deployment)),
        rolling: await this.rollouts.running(tx, project, environment),
        withdrawn: await this.rollouts.withdrawn(tx, project),
      };
    });
    // A withdrawn release keeps running until somebody goes back, and is not brought back when it dies: its grant has ended.
    const ended = state.running !== null && withdrawn.has(state.running.release.id);
    if (!place || 'waitsFor' in place || rolling || ended || state.heldBy !== null || isBehind(state)) return undefined;
    const { namespace = 'default' } = state.running?.deployment.target ?? {};
    const { instances } = await place.orchestrator.observe({ project, environment, namespace }, claim.signal);
    return (await this.standsBehind(claim, state, instances)) ? undefined : { state, ...place };
  }

  /** Whether what runs is ahead of the database, which is kept and said then. A rollout may have begun since: its number is given out before anything of it runs. */
  private async standsBehind(claim: Place, before: EnvironmentState, instances: readonly Instance[]): Promise<boolean> {
    if (aheadOf(before.attempts, instances) === undefined) return false;
    const { project, environment } = claim.operation.input;
    return claim.transact(async (unit) => {
      const state = await this.rollouts.environment(unit.tx, project, environment);
      const ahead = aheadOf(state.attempts, instances);
      if (ahead === undefined || !state.running) return true;
      const driftedSince = state.driftedSince ?? unit.now.toISOString();
      await this.rollouts.saveEnvironment(unit.tx, { ...beside(state, newestBrought(instances)), driftedSince });
      const data = { project, environment, release: state.running.release, found: [ahead], healing: false };
      unit.publish(EnvironmentDrifted, { subject: environmentKey(project, environment), data });
      return true;
    });
  }

  /** True when what runs is what should run, false when it could not be brought there; undefined when it is to be tried again. */
  async converge(claim: Place, { state }: Held): Promise<boolean | undefined> {
    const { project, environment } = state;
    const wanted = () => this.rollouts.isWanted(project, environment);
    const run = await this.hands.lightlyOn(state, claim, wanted, async (own) => {
      // Whoever had the hands since may have brought something else in: what stood here before must never come back by healing.
      const now = await this.look(claim);
      return now && now.state.running?.rollout === state.running?.rollout ? this.bring(own, now) : undefined;
    });
    return run?.ended ? run.verdict.outcome === 'succeeded' : undefined;
  }

  private async bring(claim: RolloutClaim, { state, orchestrator }: Held): Promise<RolloutRun | undefined> {
    const { running, scaledTo } = state;
    if (!running) return undefined;
    const proven = this.proofs.whole(running.grant, running.deployment);
    if (!proven.ok) throw new Error(`${state.project}/${state.environment} is not healed, its proof is gone: ${proven.reason.message}`);
    const goal = this.placing.goal(running.deployment, running.attempt, scaledTo);
    const policy = { deadlineMs: inSeconds(running.deployment.deadline) * 1000, onFailure: 'hold' } as const;
    return await rollOut({ orchestrator, claim, goal, policy, callTimeoutMs: 6000 });
  }
}
