import { Inject, Injectable } from '@nestjs/common';
import { type DataOf, type Person, type Reason, SignOffAttestation, type SignOffPosted } from '@slipway/contracts';
import { open, type Trust, verifySignOff } from '@slipway/identity';
import type { UnitOfWork } from '@slipway/messaging';
import { TRUST } from '@slipway/service-kit';
import { Knowledge } from './ports.js';

type Posted = DataOf<typeof SignOffPosted>;
type Claims = Pick<SignOffAttestation, 'request' | 'asks' | 'decision' | 'comment' | 'nonce' | 'person'>;
/** What a proof comes to. */
export type Proven =
  | { readonly ok: true; readonly claims: Claims; readonly by: Person; readonly via: 'http' | 'key' }
  /** Truly signed, and refused all the same: it is used up. */
  | { readonly ok: false; readonly reason: Reason; readonly by?: Person; readonly claims: Claims }
  | { readonly ok: false; readonly reason: Reason; readonly by?: Person; readonly claims?: undefined };

/** Whose word a posted sign-off is: by the signature of a registered key, or by what the gateway attests. Never by a name written in it. */
@Injectable()
export class Proofs {
  constructor(
    private readonly knowledge: Knowledge,
    @Inject(TRUST) private readonly trust: Trust,
  ) {}

  async check(unit: UnitOfWork, posted: Posted): Promise<Proven> {
    const proven = posted.proof.via === 'key' ? await this.byKey(unit, posted.proof) : await this.byGateway(unit, posted.proof.attestation);
    // Whoever may write to Kafka can post a true proof for another request than it is for: that uses nothing up.
    if (proven.claims && proven.claims.request !== posted.request) {
      const reason = no('other-request', 'the proof is for another request than the one it was posted for');
      return proven.by ? { ...reason, by: proven.by } : reason;
    }
    return proven;
  }

  private async byKey(unit: UnitOfWork, { keyId, jws }: Extract<Posted['proof'], { via: 'key' }>): Promise<Proven> {
    const owner = (await this.knowledge.people(unit.tx)).find((person) => person.keys.some((key) => key.id === keyId));
    const key = owner?.keys.find((each) => each.id === keyId);
    if (!owner || !key) return no('key-unknown', `nobody has registered key ${keyId}`);
    if (key.revokedAt !== null) return { ...no('key-revoked', `this key was revoked at ${key.revokedAt}`), by: owner };
    const verified = await verifySignOff(jws, key.jwk, unit.now);
    if (!verified.ok) return no(verified.code, verified.reason);
    if (verified.claims.person !== owner.id)
      return { ...no('other-person', 'the key belongs to somebody else than the sign-off names'), by: owner };
    return { ok: true, claims: verified.claims, by: owner, via: 'key' };
  }

  private async byGateway(unit: UnitOfWork, attestation: Extract<Posted['proof'], { via: 'http' }>['attestation']): Promise<Proven> {
    const opened = open(this.trust, attestation, { purpose: 'sign-off', service: 'gateway' });
    if (!opened.ok) return no('bad-signature', opened.reason);
    const claims = SignOffAttestation.safeParse(opened.content);
    if (!claims.success) return no('malformed', 'the attestation is not of the form the gateway writes');
    const by = await this.knowledge.person(unit.tx, claims.data.person);
    if (!by) return { ...no('person-unknown', 'approval has not heard of this person'), claims: claims.data };
    return { ok: true, claims: claims.data, by, via: 'http' };
  }
}

function no(code: string, message: string): { ok: false; reason: Reason } {
  return { ok: false, reason: { code, message } };
}
