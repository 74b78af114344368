import { Injectable } from '@nestjs/common';
import { type CheckResult, environmentKey, type Reason } from '@slipway/contracts';
import type { VerificationResult } from '@slipway/deployments';
import type { UnitOfWork } from '@slipway/messaging';
import { type Claim, hurry, owe } from '@slipway/operations';
import type { EnvironmentState, Occupant, TestDeployment } from './domain/test-environment.js';
import { Deployments } from './ports.js';
import { Telling } from './telling.js';

/** Keeps what became of a deployment and of its checks, and what the world hears of it; one transaction, once. */
@Injectable()
export class Ending {
  constructor(
    private readonly deployments: Deployments,
    private readonly telling: Telling,
  ) {}

  /** It is up: its checks come next. */
  async succeeded(claim: Claim<unknown>, { id }: TestDeployment, serves: { address: string; instances: number }): Promise<void> {
    await claim.complete(async (unit) => {
      const { state, deployment } = await this.locked(unit, id);
      if (deployment?.state !== 'deploying') return;
      const { project, environment, release, cause: causationId } = deployment;
      await this.deployments.save(unit.tx, { ...deployment, state: 'verifying', address: serves.address });
      await this.keepOccupant(unit, state, id, 'verifying');
      const cause = { correlationId: release.id, ...(causationId === null ? {} : { causationId }) };
      await owe(unit.tx, { kind: 'verification', key: id, input: { deployment: id }, cause });
      await owe(unit.tx, { kind: 'guard', key: environmentKey(project, environment), input: { project, environment } });
      await hurry(unit.tx, 'guard', environmentKey(project, environment)); // it rests where it is not new
      this.telling.succeeded(unit, deployment, serves);
    });
  }

  /** It did not come up, and stays as it is for a look. */
  async failed(claim: Claim<unknown>, { id }: TestDeployment, reason: Reason, evidence: readonly CheckResult[] = []): Promise<void> {
    await claim.complete((unit) => this.stop(unit, id, 'failed', reason, evidence));
  }

  /** It was stopped under way; by a person, unless its environment is being taken away. */
  async cancelled(claim: Claim<unknown>, id: string, message: string): Promise<void> {
    await claim.transact((unit) => this.stop(unit, id, 'cancelled', { code: 'cancelled', message }));
  }

  async verified(claim: Claim<unknown>, { id }: TestDeployment, result: VerificationResult): Promise<void> {
    const outcome = result.outcome === 'passed' ? 'passed' : 'failed';
    await claim.complete(async (unit) => {
      const { state, deployment } = await this.locked(unit, id);
      if (deployment?.state !== 'verifying') return;
      await this.deployments.save(unit.tx, { ...deployment, state: outcome });
      await this.keepOccupant(unit, state, id, outcome);
      await this.telling.verified(unit, deployment, result);
      await this.telling.nextTurn(unit, deployment.project, deployment.environment);
    });
  }

  private async stop(
    unit: UnitOfWork,
    id: string,
    outcome: 'failed' | 'cancelled',
    reason: Reason,
    evidence: readonly CheckResult[] = [],
  ): Promise<void> {
    const { state, deployment } = await this.locked(unit, id);
    if (deployment?.state !== 'deploying') return;
    await this.keepOccupant(unit, state, id, 'broken');
    await this.telling.ended(unit, deployment, outcome, outcome === 'cancelled' ? (state.removing ?? reason) : reason, evidence);
    await this.telling.nextTurn(unit, deployment.project, deployment.environment);
  }

  /** The environment first: so lock all who change both. */
  private async locked({ tx }: UnitOfWork, id: string): Promise<{ state: EnvironmentState; deployment: TestDeployment | undefined }> {
    const seen = await this.deployments.peek(tx, id);
    if (!seen) throw new Error(`deployment ${id} is gone from the table`);
    const state = await this.deployments.environment(tx, seen.project, seen.environment);
    return { state, deployment: await this.deployments.find(tx, id) };
  }

  private async keepOccupant({ tx }: UnitOfWork, state: EnvironmentState, deployment: string, to: Occupant['state']): Promise<void> {
    if (state.occupant?.deployment !== deployment) return;
    await this.deployments.saveEnvironment(tx, { ...state, occupant: { ...state.occupant, state: to } });
  }
}
