import { Inject, Injectable } from '@nestjs/common';
import { type DsseEnvelope, GrantStatement, grantPayloadType } from '@slipway/contracts';
import { digestOf, payloadTypes, type Trust } from '@slipway/identity';
import { TRUST } from '@slipway/service-kit';
import { z } from 'zod';
import { Proofs } from '../ports.js';

/** The parts of an in-toto Statement v1 that say what was built (in-toto/attestation, spec/v1/statement.md). */
const Statement = z.object({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(z.object({ digest: z.object({ sha256: z.string() }) })).min(1),
  predicateType: z.literal('https://slsa.dev/provenance/v1'),
});

/** {@link Proofs} by the keys pinned in the trust file. */
@Injectable()
export class SignedProofs extends Proofs {
  constructor(@Inject(TRUST) private readonly trust: Trust) {
    super();
  }

  grant(envelope: DsseEnvelope): ReturnType<Proofs['grant']> {
    const payload = Buffer.from(envelope.payload, 'base64');
    if (envelope.payloadType !== grantPayloadType) return { ok: false, reason: `a grant has payload type ${grantPayloadType}` };
    const verified = this.trust.verify(envelope.payloadType, payload, envelope.signatures, { service: 'approval' });
    if (!verified.ok) return { ok: false, reason: verified.reason };
    const statement = GrantStatement.safeParse(json(payload));
    if (!statement.success) return { ok: false, reason: z.prettifyError(statement.error) };
    const { deployment, asks } = statement.data;
    return digestOf(deployment) === asks
      ? { ok: true, statement: statement.data }
      : { ok: false, reason: 'the deployment in the grant is not the one that was asked for' };
  }

  provenance(envelope: DsseEnvelope, digest: string): ReturnType<Proofs['provenance']> {
    const payload = Buffer.from(envelope.payload, 'base64');
    if (envelope.payloadType !== payloadTypes.provenance)
      return { ok: false, reason: `provenance has payload type ${payloadTypes.provenance}` };
    const verified = this.trust.verify(envelope.payloadType, payload, envelope.signatures, { service: 'image-builder' });
    if (!verified.ok) return { ok: false, reason: verified.reason };
    const statement = Statement.safeParse(json(payload));
    if (!statement.success) return { ok: false, reason: z.prettifyError(statement.error) };
    const named = statement.data.subject.some((subject) => `sha256:${subject.digest.sha256}` === digest);
    return named ? { ok: true } : { ok: false, reason: `the provenance is of another image than ${digest}` };
  }
}

function json(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
