import { Inject, Injectable } from '@nestjs/common';
import type { DsseEnvelope, ResolvedDeployment } from '@slipway/contracts';
import { digestOf, proveGrant, proveProvenance, proveVerdict, type Trust } from '@slipway/identity';
import { TRUST } from '@slipway/service-kit';
import type { Grant } from '../domain/environment.js';
import { Proofs } from '../ports.js';

/** {@link Proofs} by the keys pinned in the trust file. */
@Injectable()
export class SignedProofs extends Proofs {
  constructor(@Inject(TRUST) private readonly trust: Trust) {
    super();
  }

  grant(envelope: DsseEnvelope): ReturnType<Proofs['grant']> {
    return proveGrant(this.trust, envelope);
  }

  /**
   * Each signature is judged as of when it was received: the grant by our own clock, and what lies before it by the signed word of whoever
   * received that. So a key that has ended since takes nothing back, and one that is revoked everything.
   */
  whole(grant: Grant, deployment: ResolvedDeployment): ReturnType<Proofs['whole']> {
    const granted = proveGrant(this.trust, grant.envelope, new Date(grant.heardAt));
    if (!granted.ok) return no('grant-not-good', granted.reason);
    const { statement } = granted;
    if (statement.grant !== grant.id || statement.asks !== grant.asks || digestOf(deployment) !== statement.asks)
      return no('grant-not-good', 'the grant is another one than the rollout was made for');
    const { release, image } = deployment;
    const passed = proveVerdict(this.trust, grant.verdict, { release: release.id, digest: image.digest }, new Date(statement.passedAt));
    if (!passed.ok) return no('verdict-not-good', passed.reason);
    const built = proveProvenance(this.trust, grant.provenance, image.digest, new Date(passed.statement.builtAt));
    return built.ok ? { ok: true, notAfter: statement.notAfter } : no('provenance-not-good', built.reason);
  }
}

function no(code: string, message: string): ReturnType<Proofs['whole']> {
  return { ok: false, reason: { code, message } };
}
