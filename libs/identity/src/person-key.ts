import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { z } from 'zod';
import { type Ed25519Jwk, keyIdOf, publicJwkOf, publicKeyOf } from './key-id.js';
import { createFile, readPrivateFile } from './private-file.js';

/** 43 digits hold two bits more than 32 bytes: only the one spelling that leaves them empty, or one key would have four names. */
const Bytes32 = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'must be 32 bytes in base64url');

const prime = 2n ** 255n - 19n;
/** The heights of the eight points of small order: under such a key a signature fits that anybody can make. */
const ofSmallOrder = new Set([
  0n,
  1n,
  prime - 1n,
  littleEndian('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  littleEndian('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
]);

function littleEndian(hex: string): bigint {
  return BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`);
}

/** Whether only one holder of a private half can sign for it. */
function isStrong({ x }: Ed25519Jwk): boolean {
  // The highest bit is the sign of the other coordinate.
  const height = littleEndian(Buffer.from(x, 'base64url').toString('hex')) & (2n ** 255n - 1n);
  return height < prime && !ofSmallOrder.has(height);
}

/** The public key a person registers (`slipway key add`); a private half in it is refused, it must never leave the person. */
export const PersonPublicJwk = z
  .strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: Bytes32, kid: z.string().optional() })
  .superRefine((jwk, context) => {
    const wrong = wrongWith(jwk);
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong, path: ['x'] });
    if (jwk.kid !== undefined && jwk.kid !== keyIdOf(jwk))
      context.addIssue({ code: 'custom', message: 'is not the thumbprint of this key', path: ['kid'] });
  });
export type PersonPublicJwk = z.infer<typeof PersonPublicJwk>;

function wrongWith(jwk: Ed25519Jwk): string | undefined {
  try {
    publicKeyOf(jwk);
  } catch {
    return 'is no Ed25519 key';
  }
  return isStrong(jwk) ? undefined : 'is a key that anybody can sign for: make a new one';
}

/** The private key of a person; stays in a file only that person can read. */
export const PersonPrivateJwk = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: Bytes32, d: Bytes32 });
export type PersonPrivateJwk = z.infer<typeof PersonPrivateJwk>;

/** A fresh pair of keys for a person. */
export function newPersonKey(): { keyId: string; privateJwk: PersonPrivateJwk; publicJwk: Ed25519Jwk } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicJwk = publicJwkOf(privateKey);
  const { d } = privateKey.export({ format: 'jwk' });
  return { keyId: keyIdOf(publicJwk), privateJwk: PersonPrivateJwk.parse({ ...publicJwk, d }), publicJwk };
}

/**
 * Makes a key for a person and keeps the private half in that file (0600). What it gives back is what may be shown and registered.
 *
 * @throws Error where the file exists: a key is never overwritten.
 */
export async function generatePersonKey(file: string): Promise<{ keyId: string; publicJwk: Ed25519Jwk }> {
  const { keyId, privateJwk, publicJwk } = newPersonKey();
  const made = await createFile(file, `${JSON.stringify(privateJwk, null, 2)}\n`, 0o600);
  if (!made) throw new Error(`${file} exists already; a key is never overwritten. Choose another file, or use the key that is there`);
  return { keyId, publicJwk };
}

/** Loads a person's private key. @throws Error where the file is missing, readable by others (it says the chmod) or no such key. */
export async function loadPersonKey(file: string): Promise<PersonPrivateJwk> {
  const text = await readPrivateFile(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(`${file} is not JSON; make a new key with: slipway key new`);
  }
  const parsed = PersonPrivateJwk.safeParse(json);
  if (!parsed.success) throw new Error(`${file} is no private Ed25519 JWK`);
  const derived = publicJwkOf(createPublicKey(createPrivateKey({ key: parsed.data, format: 'jwk' })));
  if (derived.x !== parsed.data.x) throw new Error(`${file}: x does not belong to the private key beside it`);
  return parsed.data;
}
