import { Inject, Injectable } from '@nestjs/common';
import type { DsseEnvelope, VerdictStatement } from '@slipway/contracts';
import { canonicalJson, payloadTypes, proveProvenance, type ServiceKey, seal, type Trust } from '@slipway/identity';
import { SERVICE_KEY, TRUST } from '@slipway/service-kit';
import { Proofs } from '../ports.js';

/** {@link Proofs} by the keys pinned in the trust file and this service's own. */
@Injectable()
export class SignedProofs extends Proofs {
  constructor(
    @Inject(TRUST) private readonly trust: Trust,
    @Inject(SERVICE_KEY) private readonly key: ServiceKey,
  ) {
    super();
  }

  provenance(envelope: DsseEnvelope, digest: string, heardAt: Date): ReturnType<Proofs['provenance']> {
    return proveProvenance(this.trust, envelope, digest, heardAt);
  }

  verdict(statement: VerdictStatement): Promise<DsseEnvelope> {
    return seal(this.key.signer, payloadTypes.verdict, canonicalJson(statement));
  }
}
