import { Injectable } from '@nestjs/common';
import { type Person, type Reason, type SignOffPosted, SignOffRefused } from '@slipway/contracts';
import type { Handler, Received, UnitOfWork } from '@slipway/messaging';
import { v7 } from 'uuid';
import type { ApprovalRequest } from './domain/approval-request.js';
import { Knowledge, Requests } from './ports.js';
import { Proofs, type Proven } from './proofs.js';
import { Settling } from './settling.js';

/** Somebody signs off or sends back: believed for its proof alone, and answered with accepted or refused. */
@Injectable()
export class OnSignOffPosted implements Handler<typeof SignOffPosted> {
  constructor(
    private readonly proofs: Proofs,
    private readonly knowledge: Knowledge,
    private readonly requests: Requests,
    private readonly settling: Settling,
  ) {}

  async handle(event: Received<typeof SignOffPosted>, unit: UnitOfWork): Promise<void> {
    const request = await this.requests.find(unit.tx, event.data.request);
    const proof = await this.proofs.check(unit, event.data);
    const { by = null } = proof;
    if (!proof.claims) return this.refuse(event, unit, request, by, proof.reason);
    if (!request) return this.refuse(event, unit, request, by, { code: 'request-unknown', message: 'there is no such request' });
    // Whatever becomes of it: what was refused today is not taken tomorrow, when its person is known or has the role.
    if (!(await this.requests.useNonce(unit.tx, proof.claims.nonce, request.id, unit.now))) {
      return this.refuse(event, unit, request, by, { code: 'replayed', message: 'this sign-off was used before' });
    }
    if (!proof.ok) return this.refuse(event, unit, request, by, proof.reason);
    await this.settle(event, unit, request, proof);
  }

  private async settle(
    event: Received<typeof SignOffPosted>,
    unit: UnitOfWork,
    request: ApprovalRequest,
    { claims, by, via }: Extract<Proven, { ok: true }>,
  ): Promise<void> {
    const decision = await this.settling.settle(unit, request, {
      kind: 'signed',
      by,
      signOff: {
        person: { id: by.id, name: by.name },
        decision: claims.decision,
        comment: claims.comment,
        via,
        event: event.id,
        at: unit.now.toISOString(),
      },
      asks: claims.asks,
      people: await this.knowledge.people(unit.tx),
      grantId: v7(),
      now: unit.now.toISOString(),
    });
    if ('refused' in decision) this.refuse(event, unit, request, by, decision.refused);
  }

  private refuse(
    { id, data }: Received<typeof SignOffPosted>,
    unit: UnitOfWork,
    request: ApprovalRequest | undefined,
    by: Person | null,
    reason: Reason,
  ): void {
    unit.publish(SignOffRefused, {
      subject: request?.release.id ?? data.request,
      ...(request ? { correlationId: request.release.id } : {}),
      data: {
        request: data.request,
        release: request?.release ?? null,
        environment: request?.environment ?? null,
        person: by && { id: by.id, name: by.name },
        posted: id,
        reason,
      },
    });
  }
}
