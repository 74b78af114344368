import { type KeyObject, sign, verify } from 'node:crypto';
import { keyIdOf, publicJwkOf } from './key-id.js';

/** One signature of a DSSE envelope, by the names the specification gives its fields; `sig` is base64url without padding. */
export interface DsseSignature {
  readonly keyid: string;
  readonly sig: string;
}

/** Something that signs: a key in a file today, a key in a vault or an HSM tomorrow, therefore perhaps a promise. */
export interface Signer {
  readonly keyId: string;
  sign(payloadType: string, payload: Uint8Array): Promise<DsseSignature> | DsseSignature;
}

/**
 * What is really signed: DSSE's pre-authentication encoding, `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body`, lengths in bytes.
 * The type is signed with the body, so a signature for one purpose is worth nothing for another.
 */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/** A signer over an Ed25519 private key held in this process. */
export function signerOf(privateKey: KeyObject): Signer {
  const keyId = keyIdOf(publicJwkOf(privateKey));
  return {
    keyId,
    sign: (payloadType, payload) => ({
      keyid: keyId,
      sig: sign(null, preAuthenticationEncoding(payloadType, payload), privateKey).toString('base64url'),
    }),
  };
}

/** Whether this one signature is good for these bytes under this key. Never throws: a signature that is no base64 is only a bad one. */
export function isSignedBy(publicKey: KeyObject, payloadType: string, payload: Uint8Array, signature: DsseSignature): boolean {
  // DSSE verifiers must take either base64 alphabet; node reads both with either name.
  const bytes = Buffer.from(signature.sig, 'base64url');
  return bytes.length === 64 && verify(null, preAuthenticationEncoding(payloadType, payload), publicKey, bytes);
}
