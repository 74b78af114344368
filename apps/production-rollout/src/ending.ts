import { Injectable } from '@nestjs/common';
import { environmentKey } from '@slipway/contracts';
import type { VerdictWithEvidence } from '@slipway/deployments';
import type { UnitOfWork } from '@slipway/messaging';
import { type Claim, owe } from '@slipway/operations';
import { type Observed, TargetUnavailable } from '@slipway/orchestrators';
import { type EnvironmentState, goodHere, type Rollout, type Standing } from './domain/environment.js';
import { barredAfter, emptied, restored, settled } from './domain/outcome.js';
import type { Stands } from './going-back.js';
import { Rollouts } from './ports.js';
import { RolloutMetrics } from './production-rollout.metrics.js';
import { Telling } from './telling.js';

/** Keeps a verdict: what runs now, what is barred, and what the world hears of it; one transaction, once. */
@Injectable()
export class Ending {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly telling: Telling,
    private readonly metrics: RolloutMetrics,
  ) {}

  async end(claim: Claim<unknown>, rollout: Rollout, verdict: VerdictWithEvidence, stands: Stands): Promise<void> {
    const { address = '', wanted } = await servedBy(stands, verdict, claim.signal);
    const seconds = await claim.complete(async (unit) => {
      const environment = await this.rollouts.environment(unit.tx, rollout.project, rollout.environment);
      if (verdict.outcome === 'succeeded')
        await this.succeeded(unit, rollout, environment, { address: verdict.address ?? address, instances: wanted });
      else await this.failed(unit, rollout, environment, verdict, address);
      await this.telling.nextTurn(unit, rollout);
      return (unit.now.getTime() - Date.parse(rollout.startedAt ?? rollout.createdAt)) / 1000;
    });
    this.metrics.ended(rollout, verdict.outcome, seconds);
  }

  /** Ends a rollout that was under way in an older database: what runs was brought by a later one, and stays. */
  async overtaken(claim: Claim<unknown>, rollout: Rollout, message: string): Promise<void> {
    await claim.complete(async (unit) => {
      const environment = await this.rollouts.environment(unit.tx, rollout.project, rollout.environment);
      await this.rollouts.saveEnvironment(unit.tx, { ...environment, ended: rollout.attempt });
      await this.telling.aborted(unit, rollout, { code: 'older-than-what-runs', message }, null);
    });
  }

  private async succeeded(
    unit: UnitOfWork,
    rollout: Rollout,
    before: EnvironmentState,
    serves: { address: string; instances: number },
  ): Promise<void> {
    await this.rollouts.save(unit.tx, { ...rollout, state: 'succeeded' });
    await this.rollouts.saveEnvironment(unit.tx, settled(before, rollout, unit.now.toISOString()));
    await owe(unit.tx, {
      kind: 'guard',
      key: environmentKey(rollout.project, rollout.environment),
      input: { project: rollout.project, environment: rollout.environment },
    });
    const left = await this.leftBy(unit, rollout, before);
    this.telling.succeeded(unit, rollout, left?.release ?? null, serves);
    if (rollout.kind === 'rollback' && left) unit.tx.afterCommit(() => this.metrics.recovered(rollout, left.since));
  }

  private async goodHere({ tx }: UnitOfWork, environment: EnvironmentState, release: string): Promise<Standing | undefined> {
    const past = goodHere(environment, release);
    return past && (await this.rollouts.standing(tx, past));
  }

  /** What stood there before, when it was another release: what ran well or, where that was left standing, what failed. */
  private async leftBy(unit: UnitOfWork, { release }: Rollout, { running, heldBy }: EnvironmentState) {
    const held = heldBy === null ? undefined : await this.rollouts.find(unit.tx, heldBy);
    const left = held ? { release: held.release, since: held.startedAt ?? held.createdAt } : running;
    return left && left.release.id !== release.id ? left : undefined;
  }

  private async failed(
    unit: UnitOfWork,
    rollout: Rollout,
    before: EnvironmentState,
    verdict: Extract<VerdictWithEvidence, { outcome: 'failed' }>,
    address: string,
  ): Promise<void> {
    const at = unit.now.toISOString();
    await this.rollouts.save(unit.tx, { ...rollout, state: 'failed' });
    const barred = { ...barredAfter(before, rollout.release.number, at), ended: rollout.attempt };
    switch (verdict.after.now) {
      case 'restored':
        await this.rollouts.saveEnvironment(unit.tx, restored(barred, await this.goodHere(unit, before, verdict.after.release), at));
        break;
      case 'removed':
        await this.rollouts.saveEnvironment(unit.tx, emptied(barred, at));
        break;
      default:
        await this.rollouts.saveEnvironment(unit.tx, { ...barred, heldBy: rollout.id });
    }
    this.telling.failed(unit, rollout, verdict);
    if (verdict.after.now !== 'restored') return;
    const back = await this.goodHere(unit, before, verdict.after.release);
    this.telling.wentBack(unit, rollout, restored(before, back, at).running, address, verdict);
    unit.tx.afterCommit(() => this.metrics.recovered(rollout, rollout.startedAt ?? rollout.createdAt));
  }
}

/** Where it answers. What failed is kept all the same where the place that was gone back to, perhaps another one, does not answer. */
async function servedBy(
  { orchestrator, environment }: Stands,
  { outcome }: VerdictWithEvidence,
  signal: AbortSignal,
): Promise<Pick<Observed, 'address' | 'wanted'>> {
  try {
    return await orchestrator.observe(environment, signal);
  } catch (error) {
    if (outcome === 'failed' && error instanceof TargetUnavailable) return { wanted: 0 };
    throw error;
  }
}
