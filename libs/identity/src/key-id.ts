import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** A public Ed25519 key in the form of RFC 8037; `x` is the raw key, 32 bytes in base64url. */
export interface Ed25519Jwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
}

/** The name of a key: the JWK thumbprint (RFC 7638) of its public half, so that nobody can give two keys one name. */
export function keyIdOf(publicJwk: Ed25519Jwk): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${publicJwk.x}"}`).digest('base64url');
}

/** The public half of a key as a JWK; takes a private or a public key object. */
export function publicJwkOf(key: KeyObject): Ed25519Jwk {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const { crv, x } = publicKey.export({ format: 'jwk' });
  if (crv !== 'Ed25519' || x === undefined)
    throw new TypeError(`an Ed25519 key is needed, this one is ${key.asymmetricKeyType ?? key.type}`);
  return { kty: 'OKP', crv: 'Ed25519', x };
}

/** The key object of a public JWK. @throws where `x` is not a point of 32 bytes. */
export function publicKeyOf(jwk: Ed25519Jwk): KeyObject {
  return createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: 'jwk' });
}
