import { Injectable } from '@nestjs/common';
import {
  type CheckResult,
  DeploymentFailed,
  DeploymentStarted,
  DeploymentSucceeded,
  type DsseEnvelope,
  environmentKey,
  type Reason,
  type Release,
  VerificationFailed,
  VerificationPassed,
} from '@slipway/contracts';
import { amongWaiting, type VerificationResult } from '@slipway/deployments';
import { digestOf } from '@slipway/identity';
import type { UnitOfWork } from '@slipway/messaging';
import { hurry } from '@slipway/operations';
import { nextOf, type TestDeployment } from './domain/test-environment.js';
import { Deployments, Proofs } from './ports.js';
import { TestDeployerMetrics } from './test-deployer.metrics.js';

/** How much evidence an event carries. */
const mostEvidence = 50;

/** Puts what became of deployments into words for the world, in the transaction that decides it. */
@Injectable()
export class Telling {
  constructor(
    private readonly deployments: Deployments,
    private readonly proofs: Proofs,
    private readonly metrics: TestDeployerMetrics,
  ) {}

  started(unit: UnitOfWork, deployment: TestDeployment, replaces: Release | null): void {
    const { attempt, image } = deployment;
    publish(unit, DeploymentStarted, deployment, { attempt, image, replaces });
  }

  succeeded(unit: UnitOfWork, deployment: TestDeployment, serves: { address: string; instances: number }): void {
    const seconds = secondsSince(deployment.startedAt ?? deployment.createdAt, unit.now);
    publish(unit, DeploymentSucceeded, deployment, { image: deployment.image, ...serves, seconds });
    unit.tx.afterCommit(() => this.metrics.deployed(deployment, 'succeeded', seconds));
  }

  /** Ends one that did not come up: it failed, was cancelled, or was overtaken while it waited. */
  async ended(
    unit: UnitOfWork,
    deployment: TestDeployment,
    outcome: 'failed' | 'superseded' | 'cancelled',
    reason: Reason,
    evidence: readonly CheckResult[] = [],
  ): Promise<void> {
    await this.deployments.save(unit.tx, { ...deployment, state: outcome });
    const attempt = Math.max(1, deployment.attempt);
    // Nobody has to mend what was overtaken or given up.
    const authors = outcome === 'failed' ? [...deployment.authors] : [];
    const said = { ...reason, message: reason.message.slice(0, 4000) };
    const data = { attempt, reason: said, evidence: shorten(evidence), authors };
    publish(unit, DeploymentFailed, deployment, data);
    await hurry(unit.tx, 'deployment', deployment.id);
    const seconds = deployment.startedAt === null ? undefined : secondsSince(deployment.startedAt, unit.now);
    unit.tx.afterCommit(() => this.metrics.deployed(deployment, outcome, seconds));
  }

  async verified(unit: UnitOfWork, deployment: TestDeployment, { outcome, evidence, seconds }: VerificationResult): Promise<void> {
    const { image, address, authors, provenance, repositoryFile, resolved } = deployment;
    const data = { image, address: address ?? '', evidence: shorten(evidence), seconds, authors: [...authors] };
    if (outcome === 'passed') {
      const verdict = await this.verdictOn(deployment, unit.now);
      const more = { provenance, verdict, repositoryFile, projectVersion: resolved?.projectVersion };
      publish(unit, VerificationPassed, deployment, { ...data, ...more });
    } else publish(unit, VerificationFailed, deployment, data);
    unit.tx.afterCommit(() => this.metrics.verified(deployment, outcome === 'passed' ? 'passed' : 'failed', seconds));
  }

  private verdictOn({ id, release, environment, image, resolved, builtAt }: TestDeployment, now: Date): Promise<DsseEnvelope> {
    const time = now.toISOString();
    const of = { release: release.id, environment, deployment: id, image, ran: digestOf(resolved), builtAt };
    return this.proofs.verdict({ outcome: 'passed', ...of, time });
  }

  /** The environment is free: who goes next looks whether its turn has come, and so does its guard. */
  async nextTurn(unit: UnitOfWork, project: string, environment: string): Promise<void> {
    const next = await amongWaiting(this.deployments, unit.tx, { project, environment }, nextOf, (each) => each);
    for (const { id } of next) await hurry(unit.tx, 'deployment', id);
    await hurry(unit.tx, 'guard', environmentKey(project, environment));
  }
}

function publish(
  unit: UnitOfWork,
  event: Parameters<UnitOfWork['publish']>[0],
  { id, release, environment }: TestDeployment,
  data: object,
): void {
  unit.publish(event, { subject: release.id, correlationId: release.id, data: { release, environment, deployment: id, ...data } });
}

/** Where there is more than an event takes, what failed is worth more than what passed. */
function shorten(evidence: readonly CheckResult[]): CheckResult[] {
  if (evidence.length <= mostEvidence) return [...evidence];
  const bad = evidence.filter(({ outcome }) => outcome !== 'passed');
  const good = evidence.filter(({ outcome }) => outcome === 'passed');
  return [...bad, ...good].slice(0, mostEvidence);
}

function secondsSince(from: string, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(from)) / 1000);
}
