import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import type { Purpose } from './payload-types.js';
import { createFile, replaceFile } from './private-file.js';
import { newServiceKeyFile, readServiceKeyFile, type ServiceKeyFile, serviceKeyOf } from './service-key.js';
import { parseTrustFile, type TrustEntry, type TrustFile } from './trust.js';

/** What each service's key may sign beside events (design part 4, Trust: whatever decides is signed by its one writer). */
const maySign: Readonly<Record<Service, readonly Purpose[]>> = {
  'source-watcher': ['events', 'commit-identities'],
  'image-builder': ['events', 'provenance'],
  'test-deployer': ['events', 'verdict'],
  approval: ['events', 'grant', 'gate-decision', 'audit-head'],
  'production-rollout': ['events', 'rollout-outcome'],
  gateway: ['events', 'sign-off', 'gate-decision'],
  notifier: ['events'],
};

/** Where the keys of an installation are. */
export interface KeyRing {
  readonly trustFile: string;
  readonly keyFiles: Readonly<Partial<Record<Service, string>>>;
}

/** Where `initKeys` puts a service's key. */
export function keyFileIn(dir: string, service: Service): string {
  return join(dir, 'keys', `${service}.json`);
}

/** Where `initKeys` puts the trust file. */
export function trustFileIn(dir: string): string {
  return join(dir, 'trust.json');
}

/**
 * Makes what is missing: a key file (0600) for each service and `trust.json` with their public halves. What exists is kept,
 * so it can be run at every start, also by two processes at once.
 *
 * @throws Error where a file that exists is wrong or readable by others.
 */
export async function initKeys({
  dir,
  services,
  now = new Date(),
}: {
  dir: string;
  services: readonly Service[];
  now?: Date;
}): Promise<KeyRing> {
  await mkdir(join(dir, 'keys'), { recursive: true, mode: 0o700 });
  const files: ServiceKeyFile[] = [];
  for (const service of services) {
    const file = keyFileIn(dir, service);
    if (!(await exists(file))) await createFile(file, textOf(newServiceKeyFile(service, now)), 0o600);
    files.push(await readServiceKeyFile(file));
  }
  const before = await readTrust(dir);
  const known = new Set(before.keys.map((entry) => entry.keyId));
  const missing = files.filter((file) => !known.has(file.keyId)).map((file) => entryOf(file));
  if (missing.length > 0 || !(await exists(trustFileIn(dir)))) await writeTrust(dir, { ...before, keys: [...before.keys, ...missing] });
  return ringOf(dir, services);
}

/**
 * Gives each service a new key; the old one still verifies for `overlapMs`, for what it signed and for replicas that have not
 * restarted. Interrupted and run again it goes on with the key it had begun: first the new key is kept aside, then it is trusted,
 * then it is used. Keys that have ended stay in the trust file, as what they signed in their time is still to be read: compacted topics,
 * the audit chains. A key that got into wrong hands is taken out with {@link revokeKey}.
 *
 * @throws Error where a service has no key yet (run `slipway keys init`), or a file is wrong.
 */
export async function rotateKeys({
  dir,
  services,
  overlapMs = 15 * 24 * 3600_000,
  now = new Date(),
}: {
  dir: string;
  services: readonly Service[];
  /** Longer than Kafka keeps an event, so that none is left that nobody can verify. */
  overlapMs?: number;
  now?: Date;
}): Promise<KeyRing> {
  for (const service of services) {
    const file = keyFileIn(dir, service);
    if (!(await exists(file))) throw new Error(`${file} does not exist, so there is nothing to rotate. Run: slipway keys init`);
    const current = await readServiceKeyFile(file);
    const aside = `${file}.next`;
    await createFile(aside, textOf(newServiceKeyFile(service, now, current)), 0o600);
    const next = await readServiceKeyFile(aside);
    const ends = new Date(now.getTime() + overlapMs).toISOString();
    await writeTrust(dir, rotated(await readTrust(dir), next, ends));
    await rename(aside, file);
  }
  return ringOf(dir, services);
}

/**
 * Says in a service's key file whether it believes rows without a good seal. The service reads it when it starts.
 *
 * @throws Error where the service has no key, or its file is wrong.
 */
export async function askForRowSeals({
  dir,
  services,
  rowSeals,
}: {
  dir: string;
  services: readonly Service[];
  rowSeals: ServiceKeyFile['rowSeals'];
}): Promise<void> {
  for (const service of services) {
    const file = keyFileIn(dir, service);
    await replaceFile(file, textOf({ ...(await readServiceKeyFile(file)), rowSeals }), 0o600);
  }
}

/**
 * Takes a key out of the trust file: nothing it ever signed is believed any more by who loads the file from now on.
 *
 * @returns whether it was there.
 */
export async function revokeKey({ dir, keyId }: { dir: string; keyId: string }): Promise<boolean> {
  const trust = await readTrust(dir);
  const keys = trust.keys.filter((entry) => entry.keyId !== keyId);
  if (keys.length === trust.keys.length) return false;
  await writeTrust(dir, { ...trust, keys });
  return true;
}

function rotated(trust: TrustFile, next: ServiceKeyFile, ends: string): TrustFile {
  const others = trust.keys
    .filter((entry) => entry.keyId !== next.keyId)
    // A key that is already ending keeps its end: rotating twice must not lengthen the life of the first.
    .map((entry): TrustEntry => (entry.service === next.service && entry.notAfter === undefined ? { ...entry, notAfter: ends } : entry));
  return { ...trust, keys: [...others, entryOf(next)] };
}

function entryOf(file: ServiceKeyFile): TrustEntry {
  const { publicKey, keyId } = serviceKeyOf(file);
  return { keyId, service: file.service, publicKey, may: [...maySign[file.service]], notBefore: file.createdAt };
}

async function readTrust(dir: string): Promise<TrustFile> {
  const file = trustFileIn(dir);
  if (!(await exists(file))) return { kind: 'slipway-trust', version: 1, keys: [] };
  return parseTrustFile(await readFile(file, 'utf8'), file);
}

async function writeTrust(dir: string, trust: TrustFile): Promise<void> {
  await replaceFile(trustFileIn(dir), `${JSON.stringify(trust, null, 2)}\n`, 0o644);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function ringOf(dir: string, services: readonly Service[]): KeyRing {
  return { trustFile: trustFileIn(dir), keyFiles: Object.fromEntries(services.map((service) => [service, keyFileIn(dir, service)])) };
}

function textOf(file: ServiceKeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}
