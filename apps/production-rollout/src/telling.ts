import { Injectable } from '@nestjs/common';
import {
  type CheckResult,
  CommandAccepted,
  CommandRefused,
  environmentKey,
  type Reason,
  type Release,
  RolloutAborted,
  RolloutFailed,
  RolloutRolledBack,
  RolloutStarted,
  RolloutSucceeded,
} from '@slipway/contracts';
import { amongWaiting, type VerdictWithEvidence } from '@slipway/deployments';
import type { UnitOfWork } from '@slipway/messaging';
import { hurry } from '@slipway/operations';
import { type EnvironmentState, nextOf, type Rollout } from './domain/environment.js';
import { Rollouts } from './ports.js';

type Failed = Extract<VerdictWithEvidence, { outcome: 'failed' }>;

/** Puts what became of rollouts into words for the world, in the transaction that decides it. */
@Injectable()
export class Telling {
  constructor(private readonly rollouts: Rollouts) {}

  started(unit: UnitOfWork, rollout: Rollout, replaces: Release | null): void {
    const { attempt, grant, deployment } = rollout;
    this.publish(unit, RolloutStarted, rollout, { stage: stageOf(rollout), attempt, grant: grant.id, image: deployment.image, replaces });
  }

  /** Ends a rollout that never came to a verdict, and lets the next one have its turn. */
  async aborted(unit: UnitOfWork, rollout: Rollout, reason: Reason, supersededBy: number | null): Promise<void> {
    await this.rollouts.save(unit.tx, { ...rollout, state: 'aborted' });
    const request = rollout.kind === 'rollout' ? rollout.grant.request : null;
    this.publish(unit, RolloutAborted, rollout, { request, reason, supersededBy });
    this.answer(unit, rollout, reason);
    await this.nextTurn(unit, rollout);
  }

  succeeded(
    unit: UnitOfWork,
    rollout: Rollout,
    left: Release | null,
    { address, instances }: { address: string; instances: number },
  ): void {
    const { deployment, grant, release, asked } = rollout;
    const seconds = secondsBetween(rollout.startedAt ?? rollout.createdAt, unit.now);
    const common = { stage: stageOf(rollout), image: deployment.image, address, seconds };
    if (rollout.kind === 'rollback') {
      const reason = { code: 'asked', message: asked?.reason ?? '' };
      this.publish(unit, RolloutRolledBack, rollout, { ...common, from: left, reason, by: asked?.by ?? null });
    } else {
      const leadSeconds = secondsBetween(release.committedAt, unit.now);
      this.publish(unit, RolloutSucceeded, rollout, { ...common, grant: grant.id, asks: grant.asks, instances, leadSeconds });
    }
  }

  failed(unit: UnitOfWork, rollout: Rollout, { failure, after, evidence }: Failed): void {
    const next = after.now === 'restored' ? 'rollback' : after.now === 'removed' ? 'nothing-to-go-back-to' : 'hold';
    const reason = {
      code: failure.code,
      message: after.now === 'not-restored' ? `${failure.message}; going back failed too: ${after.reason}` : failure.message,
    };
    this.publish(unit, RolloutFailed, rollout, {
      stage: stageOf(rollout),
      reason,
      evidence: evidence.map(asCheck),
      next,
      authors: [...rollout.authors],
    });
  }

  /** The environment runs again what it ran before the rollout that failed. */
  wentBack(unit: UnitOfWork, rollout: Rollout, restored: EnvironmentState['running'], address: string, { failure, tookMs }: Failed): void {
    if (!restored) return;
    unit.publish(RolloutRolledBack, {
      subject: restored.release.id,
      correlationId: restored.release.id,
      data: {
        rollout: rollout.id,
        kind: 'rollback',
        release: restored.release,
        environment: rollout.environment,
        stage: stageOf(rollout),
        from: rollout.release,
        image: restored.deployment.image,
        address,
        reason: { code: failure.code, message: failure.message },
        by: null,
        seconds: tookMs / 1000,
      },
    });
  }

  /** Answers the command that asked for a rollback, once it is known whether it can be done. */
  answer(unit: UnitOfWork, rollout: Rollout, refused: Reason | null): void {
    if (!rollout.asked || rollout.state !== 'waiting') return;
    const subject = environmentKey(rollout.project, rollout.environment);
    if (refused) unit.publish(CommandRefused, { subject, data: { command: rollout.asked.command, reason: refused } });
    else
      unit.publish(CommandAccepted, {
        subject,
        data: { command: rollout.asked.command, message: `going back to release ${rollout.release.number}` },
      });
  }

  async nextTurn(unit: UnitOfWork, { project, environment }: { project: string; environment: string }): Promise<void> {
    const next = await amongWaiting(this.rollouts, unit.tx, { project, environment }, nextOf, (each) => each);
    for (const { id } of next) await hurry(unit.tx, 'rollout', id);
    await hurry(unit.tx, 'guard', environmentKey(project, environment));
  }

  private publish(
    unit: UnitOfWork,
    event: Parameters<UnitOfWork['publish']>[0],
    { id, kind, release, environment }: Rollout,
    data: object,
  ): void {
    unit.publish(event, { subject: release.id, correlationId: release.id, data: { rollout: id, kind, release, environment, ...data } });
  }
}

function stageOf({ deployment }: Rollout): 'pre-release' | 'production' {
  return deployment.stage === 'production' ? 'production' : 'pre-release';
}

function secondsBetween(from: string, to: Date): number {
  return Math.max(0, (to.getTime() - Date.parse(from)) / 1000);
}

function asCheck({ instance, state, probes, log, exitCode, outOfMemory, restarts }: Failed['evidence'][number]): CheckResult {
  const last = probes.at(-1);
  const words = [
    `${state} after ${restarts} restarts`,
    outOfMemory ? 'killed for lack of memory' : undefined,
    exitCode === undefined ? undefined : `exit code ${exitCode}`,
    last && !last.ok ? `last probe: ${last.error ?? last.status}` : undefined,
  ];
  return {
    check: instance,
    outcome: 'failed',
    message: words.filter(Boolean).join('; '),
    seconds: 0,
    output: log.slice(-50).map((line) => line.slice(0, 2000)),
  };
}
