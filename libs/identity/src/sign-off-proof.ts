import { CompactSign, compactVerify, decodeProtectedHeader, errors, importJWK } from 'jose';
import { z } from 'zod';
import { canonicalJson } from './canonical-json.js';
import { type Ed25519Jwk, keyIdOf } from './key-id.js';
import type { PersonPrivateJwk } from './person-key.js';

/** What a person signs when deciding (design part 3). */
export const SignOffClaims = z.strictObject({
  /** The approval request this answers. */
  request: z.string().min(1).max(200),
  /** SHA-256, 64 hexadecimal digits, of the canonical form of what is asked: a sign-off is for what was read, nothing else. */
  asks: z.string().regex(/^[0-9a-f]{64}$/),
  decision: z.enum(['approve', 'reject']),
  comment: z.string().max(4000).default(''),
  /** When it was signed, RFC 3339 UTC. */
  time: z.iso.datetime(),
  /** Used once; who accepts the sign-off keeps it. */
  nonce: z.string().min(16).max(200),
  person: z.string().min(1).max(200),
});
export type SignOffClaims = z.infer<typeof SignOffClaims>;

/** Why a proof is not believed. */
export type SignOffRefusal =
  | 'malformed'
  | 'wrong-type'
  | 'wrong-algorithm'
  | 'other-key'
  | 'bad-signature'
  | 'bad-claims'
  | 'too-old'
  | 'in-the-future';

export type VerifiedSignOff =
  | { readonly ok: true; readonly claims: SignOffClaims }
  | { readonly ok: false; readonly code: SignOffRefusal; readonly reason: string };

/** How far a signer's clock, and the way here, may differ from ours. */
export const SIGN_OFF_SKEW_MS = 5 * 60_000;

const TYPE = 'slipway-sign-off+jws';
const LONGEST = 32 * 1024;

/** Signs a decision: a compact JWS, EdDSA. @throws ZodError where the claims are not what a sign-off needs. */
export async function signSignOff(privateJwk: PersonPrivateJwk, claims: z.input<typeof SignOffClaims>): Promise<string> {
  const payload = new TextEncoder().encode(canonicalJson(SignOffClaims.parse(claims)));
  return new CompactSign(payload)
    .setProtectedHeader({ alg: 'EdDSA', typ: TYPE, kid: keyIdOf(privateJwk) })
    .sign(await importJWK(privateJwk, 'EdDSA'));
}

/** The key id a proof names, to look the registered key up by; undefined where it is no proof. Nothing is verified yet. */
export function keyIdOfSignOff(jws: string): string | undefined {
  if (jws.length > LONGEST) return undefined;
  try {
    const { kid } = decodeProtectedHeader(jws);
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Verifies a proof against the key its person registered. Says nothing about whether the nonce is fresh, whether the request is open
 * or whether `asks` and `person` are the right ones: who accepts it compares those.
 */
export async function verifySignOff(jws: string, publicJwk: Ed25519Jwk, now: Date): Promise<VerifiedSignOff> {
  const refusal = headerRefusal(jws, publicJwk);
  if (refusal) return refusal;
  let payload: Uint8Array;
  try {
    ({ payload } = await compactVerify(jws, await importJWK({ kty: publicJwk.kty, crv: publicJwk.crv, x: publicJwk.x }, 'EdDSA'), {
      algorithms: ['EdDSA'],
    }));
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return no('bad-signature', 'the signature does not fit the registered key');
    return no('malformed', `this is no compact JWS: ${(error as Error).message}`);
  }
  const claims = claimsOf(payload);
  if (typeof claims === 'string') return no('bad-claims', claims);
  const age = now.getTime() - Date.parse(claims.time);
  if (age > SIGN_OFF_SKEW_MS) return no('too-old', `signed at ${claims.time}, more than five minutes ago; sign anew`);
  if (age < -SIGN_OFF_SKEW_MS)
    return no('in-the-future', `signed at ${claims.time}, more than five minutes ahead of our clock; check yours`);
  return { ok: true, claims };
}

function no(code: SignOffRefusal, reason: string): VerifiedSignOff {
  return { ok: false, code, reason };
}

function headerRefusal(jws: string, publicJwk: Ed25519Jwk): VerifiedSignOff | undefined {
  if (jws.length > LONGEST) return no('malformed', `${jws.length} characters; a sign-off has at most ${LONGEST}`);
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(jws);
  } catch {
    return no('malformed', 'this is no compact JWS');
  }
  if (header.alg !== 'EdDSA') return no('wrong-algorithm', `alg is ${JSON.stringify(header.alg)}, only EdDSA is taken`);
  if (header.typ !== TYPE) return no('wrong-type', `typ is ${JSON.stringify(header.typ)}, a sign-off has ${TYPE}`);
  if (header.kid !== undefined && header.kid !== keyIdOf(publicJwk))
    return no('other-key', 'kid names another key than the registered one');
  return undefined;
}

function claimsOf(payload: Uint8Array): SignOffClaims | string {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return 'the payload is not JSON';
  }
  const parsed = SignOffClaims.safeParse(json);
  return parsed.success ? parsed.data : z.prettifyError(parsed.error);
}
