import { type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Service } from '@slipway/contracts';
import { z } from 'zod';
import { type DsseSignature, isSignedBy } from './dsse.js';
import { keyIdOf, publicKeyOf } from './key-id.js';
import { Purpose, purposeOf } from './payload-types.js';

/** One public key we believe, what it may sign, and from when to when. */
export const TrustEntry = z.object({
  keyId: z.string(),
  service: Service,
  publicKey: z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().regex(/^[A-Za-z0-9_-]{43}$/) }),
  may: z.array(Purpose),
  notBefore: z.iso.datetime().optional(),
  notAfter: z.iso.datetime().optional(),
});
export type TrustEntry = z.infer<typeof TrustEntry>;

/** The pinned keys of an installation (`SLIPWAY_TRUST_FILE`): the only place where a service learns whom to believe. */
export const TrustFile = z
  .object({ kind: z.literal('slipway-trust'), version: z.literal(1), keys: z.array(TrustEntry) })
  .superRefine((file, context) => {
    file.keys.forEach((entry, index) => {
      const wrong = entry.keyId !== keyIdOf(entry.publicKey) ? 'keyId is not the thumbprint of publicKey' : undefined;
      const twice = file.keys.findIndex((other) => other.keyId === entry.keyId) < index ? 'keyId is listed twice' : undefined;
      for (const message of [wrong, twice]) if (message) context.addIssue({ code: 'custom', message, path: ['keys', index, 'keyId'] });
    });
  });
export type TrustFile = z.infer<typeof TrustFile>;

/** What became of a verification; `reason` is for people and for the dead letter. */
export type Verified = { readonly ok: true; readonly keyId: string } | { readonly ok: false; readonly reason: string };

/** Who is believed. */
export interface Trust {
  /**
   * Whether one of these signatures is by a key of that service that may sign this payload type at this time. `at` is now by default.
   * Who verifies what was signed long ago (a compacted topic, the journal) passes the time it was received, by the broker's clock or the
   * database's, never one the sender wrote: whoever stole an ended key would write an early one.
   */
  verify(payloadType: string, payload: Uint8Array, signatures: readonly DsseSignature[], who: { service: Service; at?: Date }): Verified;
}

/** Clocks of two machines may differ by this much before a key just made, or just ended, is refused. */
const SKEW_MS = 5 * 60_000;

/** More signatures than this on one payload are not looked at: verification must stay cheap for hostile input. */
const MOST_SIGNATURES = 8;

type Pinned = TrustEntry & { readonly key: KeyObject };

/** A trust over pinned keys. `more` is asked for a newer file when a key id is unknown (a rotation while we run). */
export function trustOf(file: TrustFile, more: () => TrustFile | undefined = () => undefined): Trust {
  let pinned = pin(file);
  const find = (keyId: string): Pinned | undefined => {
    const known = pinned.get(keyId);
    if (known) return known;
    const newer = more();
    if (newer) pinned = pin(newer);
    return pinned.get(keyId);
  };
  return {
    verify(payloadType, payload, signatures, who) {
      const purpose = purposeOf(payloadType);
      if (!purpose) return { ok: false, reason: `no key may sign payload type ${JSON.stringify(payloadType.slice(0, 100))}` };
      if (signatures.length === 0) return { ok: false, reason: `not signed; a signature of ${who.service} is needed` };
      if (signatures.length > MOST_SIGNATURES)
        return { ok: false, reason: `${signatures.length} signatures; at most ${MOST_SIGNATURES} are looked at` };
      const at = (who.at ?? new Date()).getTime();
      const reasons: string[] = [];
      for (const signature of signatures) {
        const entry = find(signature.keyid);
        const refusal = entry ? refusalOf(entry, who.service, purpose, at) : `key ${signature.keyid.slice(0, 64)} is not in the trust file`;
        if (!refusal && entry && isSignedBy(entry.key, payloadType, payload, signature)) return { ok: true, keyId: entry.keyId };
        reasons.push(refusal ?? `the signature by key ${signature.keyid} does not fit these bytes`);
      }
      return { ok: false, reason: reasons.join('; ') };
    },
  };
}

function pin(file: TrustFile): Map<string, Pinned> {
  return new Map(file.keys.map((entry) => [entry.keyId, { ...entry, key: publicKeyOf(entry.publicKey) }]));
}

function refusalOf(entry: TrustEntry, service: Service, purpose: Purpose, at: number): string | undefined {
  if (entry.service !== service) return `key ${entry.keyId} is ${entry.service}'s, a signature of ${service} is needed`;
  if (!entry.may.includes(purpose)) return `key ${entry.keyId} of ${entry.service} may not sign ${purpose}`;
  if (entry.notBefore && at < Date.parse(entry.notBefore) - SKEW_MS) return `key ${entry.keyId} is good only from ${entry.notBefore}`;
  if (entry.notAfter && at > Date.parse(entry.notAfter) + SKEW_MS) return `key ${entry.keyId} ended at ${entry.notAfter}`;
  return undefined;
}

/** Reads and checks a trust file. @throws Error naming file and field. */
export function parseTrustFile(text: string, name: string): TrustFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = TrustFile.safeParse(json);
  if (!parsed.success) throw new Error(`${name} is no trust file:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** A file others could write to would let them in; one they can read is fine, it holds public keys only. */
function refuseWritable(file: string): void {
  const { mode } = statSync(file);
  if ((mode & 0o022) !== 0) throw new Error(`${file} says whom to believe, but others can write to it. Run: chmod go-w ${file}`);
}

/**
 * Loads the trust file. A key id it does not know makes it look at the file once more (at most once a second), so that services
 * still running when keys are rotated believe the new ones at once.
 *
 * @throws Error where the file is missing, wrong (it names the field) or writable by others (it says the chmod).
 */
export async function loadTrustFile(file: string): Promise<Trust> {
  refuseWritable(file);
  const trust = parseTrustFile(await readFile(file, 'utf8'), file);
  let looked = Number.NEGATIVE_INFINITY;
  return trustOf(trust, () => {
    if (performance.now() - looked < 1000) return undefined;
    looked = performance.now();
    try {
      refuseWritable(file);
      return parseTrustFile(readFileSync(file, 'utf8'), file);
    } catch {
      // What was pinned stays pinned: a file that is being repaired must not stop a running service.
      return undefined;
    }
  });
}
