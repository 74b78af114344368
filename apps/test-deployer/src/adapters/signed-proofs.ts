import { Inject, Injectable } from '@nestjs/common';
import type { DsseEnvelope } from '@slipway/contracts';
import { payloadTypes, type Trust } from '@slipway/identity';
import { TRUST } from '@slipway/service-kit';
import { z } from 'zod';
import { Proofs } from '../ports.js';

/** What has to be known of an in-toto Statement v1 (in-toto/attestation, spec/v1/statement.md): which image it speaks of. */
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

  provenance({ payloadType, payload, signatures }: DsseEnvelope, digest: string): ReturnType<Proofs['provenance']> {
    const bytes = Buffer.from(payload, 'base64');
    if (payloadType !== payloadTypes.provenance) return { ok: false, reason: `provenance has payload type ${payloadTypes.provenance}` };
    const verified = this.trust.verify(payloadType, bytes, signatures, { service: 'image-builder' });
    if (!verified.ok) return { ok: false, reason: verified.reason };
    const statement = Statement.safeParse(parsed(bytes));
    if (!statement.success) return { ok: false, reason: z.prettifyError(statement.error) };
    return statement.data.subject.some((subject) => `sha256:${subject.digest.sha256}` === digest)
      ? { ok: true }
      : { ok: false, reason: `the provenance is of another image than ${digest}` };
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
