import { createHash } from 'node:crypto';
import type { AppSettings } from '../deployment.js';

/** What the fingerprint is taken of: a deployment, or what is kept of one. */
export interface Hashed {
  readonly app: Pick<AppSettings, 'port' | 'cpus' | 'memoryBytes' | 'env' | 'command'> & {
    readonly health?: { readonly http: string } | undefined;
  };
  readonly secrets?: readonly { readonly name: string; readonly version: string }[];
}

/**
 * Fingerprint of everything an instance is made with, its image apart. Two deployments with the same digest and the same hash
 * need no restart between them. Windows and counts are left out: changing them restarts nothing. The health path is in, because the
 * instances of two releases are asked by their own paths while they stand side by side.
 */
export function configHash(deployment: Hashed): string {
  const { app } = deployment;
  const sorted = (pairs: (readonly [string, string])[]) => pairs.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const parts = {
    port: app.port,
    cpus: app.cpus ?? null,
    memory: app.memoryBytes ?? null,
    env: sorted(Object.entries(app.env ?? {})),
    command: app.command ?? null,
    health: app.health?.http ?? null,
    secrets: secretsOf(deployment),
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Names and versions, sorted; what the folder of secret files is named for. */
export function secretsOf(deployment: Pick<Hashed, 'secrets'>): (readonly [string, string])[] {
  return (deployment.secrets ?? []).map((secret) => [secret.name, secret.version] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
