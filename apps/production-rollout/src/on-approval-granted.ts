import { Injectable } from '@nestjs/common';
import type { ApprovalGranted, DataOf, ResolvedDeployment } from '@slipway/contracts';
import { type Handler, type Received, Unhandleable, type UnitOfWork } from '@slipway/messaging';
import { hurry, owe } from '@slipway/operations';
import { v7 } from 'uuid';
import type { Grant, Rollout } from './domain/environment.js';
import { Proofs, Rollouts } from './ports.js';
import { Telling } from './telling.js';

/** A release may go in: its rollout waits for its turn. Only the grant inside is believed, never the event around it. */
@Injectable()
export class OnApprovalGranted implements Handler<typeof ApprovalGranted> {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly proofs: Proofs,
    private readonly telling: Telling,
  ) {}

  async handle({ id, data }: Received<typeof ApprovalGranted>, unit: UnitOfWork): Promise<void> {
    const proven = this.proofs.grant(data.grant);
    if (!proven.ok) throw new Unhandleable(`the grant is not good: ${proven.reason}`);
    const { statement } = proven;
    const { deployment } = statement;
    if (statement.request !== data.request || deployment.release.id !== data.release.id || deployment.environment !== data.environment) {
      throw new Unhandleable('the event says other things than the grant it carries');
    }
    const grant: Grant = {
      id: statement.grant,
      request: statement.request,
      asks: statement.asks,
      issuedAt: statement.issuedAt,
      envelope: data.grant,
      provenance: data.provenance,
      verdict: data.verdict,
      heardAt: unit.now.toISOString(),
    };
    await this.rollouts.alone(unit.tx, statement.request);
    const before = await this.rollouts.ofRequest(unit.tx, statement.request);
    if (before) {
      if (before.state === 'waiting' && before.grant.issuedAt < grant.issuedAt) await this.rollouts.save(unit.tx, { ...before, grant });
      await hurry(unit.tx, 'rollout', before.id);
      return;
    }
    const end = await this.rollouts.endOf(unit.tx, statement.request);
    // One that has expired is said anew by approval for as long as its request stands: nothing waits for this one.
    if (!end && Date.parse(statement.notAfter) <= unit.now.getTime()) return;
    const rollout = waitingFor(data, deployment, grant, unit.now);
    await this.rollouts.insert(unit.tx, rollout);
    if (end) return this.telling.aborted(unit, rollout, end.reason, end.supersededBy);
    const cause = { causationId: id, correlationId: data.release.id };
    await owe(unit.tx, { kind: 'rollout', key: rollout.id, input: { rollout: rollout.id }, cause });
  }
}

function waitingFor(
  { release, authors }: DataOf<typeof ApprovalGranted>,
  deployment: ResolvedDeployment,
  grant: Grant,
  now: Date,
): Rollout {
  const { project, environment } = deployment;
  const none = { state: 'waiting', attempt: 0, asked: null, startedAt: null } as const;
  return { id: v7(), kind: 'rollout', project, environment, release, deployment, grant, authors, createdAt: now.toISOString(), ...none };
}
