import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  attestationPayloadType,
  type DataOf,
  type Person,
  type SignOffAccepted,
  SignOffAttestation,
  SignOffPosted,
  type SignOffRefused,
} from '@slipway/contracts';
import { canonicalJson, type ServiceKey } from '@slipway/identity';
import { Messaging } from '@slipway/messaging';
import { SERVICE_KEY } from '@slipway/service-kit';
import { v7 } from 'uuid';
import { Answers } from './answers.js';
import { ApiProblem } from './api-problem.js';
import { holdMs } from './commanding.js';
import { Ledger } from './ports.js';

/** Takes sign-offs over HTTP: attests who came with which token, signs that, and hands it to approval as it would come from anybody. */
@Injectable()
export class SigningOff {
  constructor(
    private readonly messaging: Messaging,
    private readonly ledger: Ledger,
    private readonly answers: Answers,
    @Inject(SERVICE_KEY) private readonly key: ServiceKey,
  ) {}

  /** Throws a 409 problem where the request is closed, or approval refuses. */
  async signOff(
    id: string,
    person: Person,
    said: { decision: 'approve' | 'reject'; comment: string },
  ): Promise<{ request: string; posted: string; state: 'accepted' | 'pending'; missing: string[] }> {
    const request = await this.ledger.request(id);
    if (!request) throw ApiProblem.notFound('such request');
    if (request.state !== 'open') {
      throw ApiProblem.refused({
        code: `request-${request.state}`,
        message: `this request for ${request.environment} was ${request.state} before; there is nothing left to decide`,
      });
    }
    const posted = v7();
    const answered = this.answers.wait(posted, holdMs);
    await this.messaging.transact(async (unit) => {
      const attestation = await this.attest({
        request: id,
        asks: request.asks,
        decision: said.decision,
        comment: said.comment,
        person: person.id,
        time: unit.now.toISOString(),
        nonce: randomBytes(18).toString('base64url'),
        via: 'token',
      });
      const subject = request.release.id;
      unit.publish(SignOffPosted, {
        id: posted,
        subject,
        correlationId: subject,
        data: { request: id, proof: { via: 'http', attestation } },
      });
    });
    const answer = await answered;
    if (answer?.source !== 'approval') return { request: id, posted, state: 'pending', missing: request.missing };
    if (answer.name === 'sign-off.refused') throw ApiProblem.refused((answer.data as DataOf<typeof SignOffRefused>).reason);
    return { request: id, posted, state: 'accepted', missing: (answer.data as DataOf<typeof SignOffAccepted>).missing };
  }

  private async attest(claims: SignOffAttestation) {
    const payload = Buffer.from(canonicalJson(SignOffAttestation.parse(claims)), 'utf8');
    return {
      payloadType: attestationPayloadType,
      payload: payload.toString('base64'),
      signatures: [await this.key.signer.sign(attestationPayloadType, payload)],
    };
  }
}
