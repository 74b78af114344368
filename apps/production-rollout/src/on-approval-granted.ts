import { Injectable } from '@nestjs/common';
import type { ApprovalGranted } from '@slipway/contracts';
import { type Handler, type Received, Unhandleable, type UnitOfWork } from '@slipway/messaging';
import { hurry, owe } from '@slipway/operations';
import { v7 } from 'uuid';
import type { Grant } from './domain/environment.js';
import { Proofs, Rollouts } from './ports.js';

/** A release may go in: its rollout waits for its turn. Only the grant inside is believed, never the event around it. */
@Injectable()
export class OnApprovalGranted implements Handler<typeof ApprovalGranted> {
  constructor(
    private readonly rollouts: Rollouts,
    private readonly proofs: Proofs,
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
    };
    const before = await this.rollouts.ofRequest(unit.tx, statement.request);
    if (before) {
      if (before.state === 'waiting' && before.grant.issuedAt < grant.issuedAt) await this.rollouts.save(unit.tx, { ...before, grant });
      await hurry(unit.tx, 'rollout', before.id);
      return;
    }
    const rollout = v7();
    await this.rollouts.insert(unit.tx, {
      id: rollout,
      kind: 'rollout',
      project: deployment.project,
      environment: deployment.environment,
      release: data.release,
      deployment,
      grant,
      state: 'waiting',
      attempt: 0,
      asked: null,
      authors: data.authors,
      createdAt: unit.now.toISOString(),
      startedAt: null,
    });
    await owe(unit.tx, { kind: 'rollout', key: rollout, input: { rollout }, cause: { causationId: id, correlationId: data.release.id } });
  }
}
