import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type DsseEnvelope, GrantStatement, type Service, VerdictStatement } from '@slipway/contracts';
import { canonicalJson, type DsseSignature, payloadTypes, type TrustFile } from '@slipway/identity';
import { z } from 'zod';

type Purpose = keyof typeof payloadTypes;
/** Who must have signed, for what, and when it was received, milliseconds since 1970. */
interface By {
  readonly service: Service;
  readonly purpose: Purpose;
  readonly at: number;
}

export type Proven<T> = { readonly ok: true; readonly content: T } | { readonly ok: false; readonly reason: string };

/** What clocks may differ by before a key that was just made, or has just ended, is none. */
const skewMs = 5 * 60_000;

/** Whose signature is good, by the trust file and node:crypto alone: how the product looks at signatures is among what is judged. */
export class Signatures {
  readonly #keys: ReadonlyMap<string, TrustFile['keys'][number] & { readonly key: KeyObject }>;

  constructor({ keys }: TrustFile) {
    this.#keys = new Map(keys.map((entry) => [entry.keyId, { ...entry, key: createPublicKey({ key: entry.publicKey, format: 'jwk' }) }]));
  }

  /** Why none of these is one of that service for that purpose; undefined where one is. */
  refusal(payload: Uint8Array, signatures: readonly DsseSignature[], by: By): string | undefined {
    const type = payloadTypes[by.purpose];
    // DSSE v1, pre-authentication encoding: the type is signed with the bytes.
    const signed = Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload]);
    const isGood = ({ keyid, sig }: DsseSignature) => {
      const key = this.#keys.get(keyid);
      const isHeld = key?.service === by.service && key.may.includes(by.purpose);
      const isThen =
        by.at >= Date.parse(key?.notBefore ?? '1970-01-01') - skewMs && by.at <= Date.parse(key?.notAfter ?? '9999-12-31') + skewMs;
      return isHeld && isThen && verify(null, signed, key.key, Buffer.from(sig, 'base64url'));
    };
    return signatures.some(isGood) ? undefined : `no key of ${by.service} that is good for a ${by.purpose} has signed it`;
  }

  /** What an envelope holds. */
  open(envelope: DsseEnvelope, by: By): Proven<unknown> {
    if (envelope.payloadType !== payloadTypes[by.purpose]) return { ok: false, reason: `it is no ${by.purpose}` };
    const payload = Buffer.from(envelope.payload, 'base64');
    const reason = this.refusal(payload, envelope.signatures, by);
    if (reason !== undefined) return { ok: false, reason };
    try {
      return { ok: true, content: JSON.parse(payload.toString('utf8')) as unknown };
    } catch {
      return { ok: false, reason: 'what is signed is no JSON' };
    }
  }

  /** What approval let in, where its bytes are those that were asked for. */
  grant(envelope: DsseEnvelope, at: number): Proven<GrantStatement> {
    const grant = fitting(GrantStatement, this.open(envelope, { purpose: 'grant', service: 'approval', at }));
    if (!grant.ok || sha256(canonicalJson(grant.content.deployment)) === grant.content.asks) return grant;
    return { ok: false, reason: 'the deployment in it is not the one that was asked for' };
  }

  /** That test-deployer found this image of this release good. */
  verdict(envelope: DsseEnvelope, of: { readonly release: string; readonly digest: string }, at: number): Proven<VerdictStatement> {
    const verdict = fitting(VerdictStatement, this.open(envelope, { purpose: 'verdict', service: 'test-deployer', at }));
    if (!verdict.ok || (verdict.content.release === of.release && verdict.content.image.digest === of.digest)) return verdict;
    return { ok: false, reason: `it is of release ${verdict.content.release} and ${verdict.content.image.digest}` };
  }

  /** That image-builder says where the image of this digest comes from. */
  provenance(envelope: DsseEnvelope, digest: string, at: number): Proven<unknown> {
    const provenance = fitting(Provenance, this.open(envelope, { purpose: 'provenance', service: 'image-builder', at }));
    if (!provenance.ok || provenance.content.subject.some((each) => `sha256:${each.digest.sha256}` === digest)) return provenance;
    return { ok: false, reason: 'it is of another image' };
  }
}

/** in-toto Statement v1 with the SLSA v1 predicate, as far as it names what was built. */
const Provenance = z.object({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(z.object({ digest: z.object({ sha256: z.string() }) })).min(1),
  predicateType: z.literal('https://slsa.dev/provenance/v1'),
});

function fitting<T>(schema: z.ZodType<T>, opened: Proven<unknown>): Proven<T> {
  if (!opened.ok) return opened;
  const fits = schema.safeParse(opened.content);
  return fits.success ? { ok: true, content: fits.data } : { ok: false, reason: z.prettifyError(fits.error) };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
