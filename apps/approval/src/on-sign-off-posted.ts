import { Injectable } from '@nestjs/common';
import { type Person, type Reason, type SignOffPosted, SignOffRefused } from '@slipway/contracts';
import { type Handler, type Received, Telling, type UnitOfWork } from '@slipway/messaging';
import { v7 } from 'uuid';
import type { ApprovalRequest } from './domain/approval-request.js';
import { Knowledge, Requests } from './ports.js';
import { Proofs, type Proven } from './proofs.js';
import { Settling } from './settling.js';

/** What is said of requests that nobody knows has one key: whoever posts them chooses the id. */
const unknownRequest = 'request-unknown';

/** Somebody signs off or sends back: believed for its proof alone, and answered with accepted or refused. */
@Injectable()
export class OnSignOffPosted implements Handler<typeof SignOffPosted> {
  /** Of what no service of ours posted: whoever may write to Kafka posts as many as they like, and each answer is kept for good. */
  private readonly telling = new Telling();

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
    { id, data, signature }: Received<typeof SignOffPosted>,
    unit: UnitOfWork,
    request: ApprovalRequest | undefined,
    by: Person | null,
    { code, message }: Reason,
  ): void {
    const untold = signature ? 0 : this.telling.next();
    if (untold === undefined) return;
    const others = untold > 0 ? `; ${untold} others that were refused before it were not told of` : '';
    unit.publish(SignOffRefused, {
      subject: request?.release.id ?? unknownRequest,
      ...(request ? { correlationId: request.release.id } : {}),
      data: {
        request: data.request,
        release: request?.release ?? null,
        environment: request?.environment ?? null,
        person: by && { id: by.id, name: by.name },
        posted: id,
        reason: { code, message: `${message}${others}`.slice(0, 4000) },
      },
    });
  }
}
