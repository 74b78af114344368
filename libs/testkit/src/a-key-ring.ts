import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { initKeys, type KeyRing, loadServiceKey, loadTrustFile, type ServiceKey, type Trust } from '@slipway/identity';

export interface TestKeyRing extends KeyRing {
  readonly dir: string;
  /** By service. */
  readonly keys: Readonly<Record<Service, ServiceKey>>;
  readonly trust: Trust;
  /** Deletes the folder. Call it in afterAll. */
  drop(): Promise<void>;
}

/** Keys for every service and the trust file that goes with them, in a temporary folder: files that a service can be started with. */
export async function aKeyRing(): Promise<TestKeyRing> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-keys-'));
  const ring = await initKeys({ dir, services });
  const keys = await Promise.all(
    services.map(async (service) => [service, await loadServiceKey(ring.keyFiles[service] as string)] as const),
  );
  return {
    ...ring,
    dir,
    keys: Object.fromEntries(keys) as Record<Service, ServiceKey>,
    trust: await loadTrustFile(ring.trustFile),
    drop: () => rm(dir, { recursive: true, force: true }),
  };
}
