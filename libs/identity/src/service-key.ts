import { createPrivateKey, generateKeyPairSync, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { Service } from '@slipway/contracts';
import { z } from 'zod';
import { type Signer, signerOf } from './dsse.js';
import { type Ed25519Jwk, keyIdOf, publicJwkOf } from './key-id.js';
import { readPrivateFile } from './private-file.js';

/** Thirty-two bytes in base64url. */
const Bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

/**
 * The file a service keeps to itself (mode 0600): its Ed25519 key as a private JWK, and a secret that outlives rotations,
 * from which keys for keyed hashes are derived (what was hashed before a rotation must be found after it).
 */
export const ServiceKeyFile = z.object({
  kind: z.literal('slipway-service-key'),
  version: z.literal(1),
  service: Service,
  keyId: z.string(),
  createdAt: z.iso.datetime(),
  privateKey: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: Bytes32, d: Bytes32 }),
  secret: Bytes32,
  /**
   * Whether a row this service decides by is believed only with a good seal. Key files from before there were seals do not say, and ask for none: rows from
   * then have none. It is here, and not in the database, because who writes to tables must not be able to say it.
   */
  rowSeals: z.enum(['asked', 'adopted']).default('adopted'),
});
export type ServiceKeyFile = z.infer<typeof ServiceKeyFile>;

/** The key a service signs with. */
export interface ServiceKey {
  readonly service: Service;
  readonly keyId: string;
  readonly publicKey: Ed25519Jwk;
  readonly signer: Signer;
  /** `adopted`: rows without a good seal are believed, and sealed. */
  readonly rowSeals: ServiceKeyFile['rowSeals'];
  /** A 32-byte key for one purpose (HKDF-SHA256); the same after a rotation, different for every purpose and service. */
  derive(purpose: string): Buffer;
}

/** What a key keeps of the one it replaces. */
export type Kept = Pick<ServiceKeyFile, 'secret' | 'rowSeals'>;

const fresh = (): Kept => ({ secret: randomBytes(32).toString('base64url'), rowSeals: 'asked' });

/** A fresh key for a service. */
export function newServiceKeyFile(service: Service, now: Date, { secret, rowSeals }: Kept = fresh()): ServiceKeyFile {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d } = privateKey.export({ format: 'jwk' });
  const publicJwk = publicJwkOf(privateKey);
  return ServiceKeyFile.parse({
    kind: 'slipway-service-key',
    version: 1,
    service,
    keyId: keyIdOf(publicJwk),
    createdAt: now.toISOString(),
    privateKey: { ...publicJwk, d },
    secret,
    rowSeals,
  });
}

/** Makes a key of what its file says. @throws Error where the halves of the key do not belong together. */
export function serviceKeyOf(file: ServiceKeyFile): ServiceKey {
  const privateKey: KeyObject = createPrivateKey({ key: file.privateKey, format: 'jwk' });
  // The public half comes from the private one, never from the file: a wrong `x` would sign what nobody can verify.
  const publicKey = publicJwkOf(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })));
  const keyId = keyIdOf(publicKey);
  if (publicKey.x !== file.privateKey.x || keyId !== file.keyId)
    throw new Error(`keyId ${file.keyId} does not belong to the private key beside it`);
  return {
    service: file.service,
    keyId,
    publicKey,
    signer: signerOf(privateKey),
    rowSeals: file.rowSeals,
    derive: (purpose) => Buffer.from(hkdfSync('sha256', Buffer.from(file.secret, 'base64url'), file.service, `slipway/${purpose}`, 32)),
  };
}

/** Reads and checks a key file without making a key of it. @throws Error naming the file and the field. */
export async function readServiceKeyFile(file: string): Promise<ServiceKeyFile> {
  const text = await readPrivateFile(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message would quote the text, which is the secret.
    throw new Error(`${file} is not JSON; restore it, or make a new one with: slipway keys init`);
  }
  const parsed = ServiceKeyFile.safeParse(json);
  if (!parsed.success) throw new Error(`${file} is no service key: ${fieldsOf(parsed.error)}`);
  return parsed.data;
}

/**
 * Loads the key of a service (`SLIPWAY_KEY_FILE`).
 *
 * @throws Error where the file is missing, readable by others (it says the chmod), no key file, or inconsistent.
 */
export async function loadServiceKey(file: string): Promise<ServiceKey> {
  const content = await readServiceKeyFile(file);
  try {
    return serviceKeyOf(content);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Names the wrong fields without showing what is in them. */
function fieldsOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'the document'} (${issue.code})`).join(', ');
}
