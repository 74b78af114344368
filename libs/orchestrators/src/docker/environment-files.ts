import { createHash, randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Deployment, EnvironmentRef } from '../deployment.js';
import { secretsOf } from './config-hash.js';
import { defaultNamespace, stem } from './labels.js';

const Health = z.object({ http: z.string(), everyMs: z.number(), timeoutMs: z.number(), graceMs: z.number() });
const AppliedDeployment = z.object({
  environment: z.object({ project: z.string(), environment: z.string(), namespace: z.string().optional() }),
  release: z.string(),
  attempt: z.number(),
  digest: z.string(),
  image: z.string(),
  instances: z.number(),
  app: z.object({
    port: z.number(),
    cpus: z.number().optional(),
    memoryBytes: z.number().optional(),
    env: z.record(z.string(), z.string()).optional(),
    command: z.array(z.string()).optional(),
    drainMs: z.number(),
    stableMs: z.number(),
    health: Health.optional(),
    stablePort: z.number().optional(),
  }),
  secrets: z.array(z.object({ name: z.string(), version: z.string() })),
  strategy: z.object({ maxSurge: z.number(), maxUnavailable: z.number() }).optional(),
});
/** A deployment as it is kept on disk: without any secret's value. */
export type AppliedDeployment = z.infer<typeof AppliedDeployment>;

const Memory = z.object({
  deployment: AppliedDeployment,
  /** Whether the environment ever got all the way there. */
  converged: z.boolean(),
  /** Instances that belong into the proxy, by container name. */
  members: z.array(z.string()),
  /** Images used here, newest last. */
  images: z.array(z.string()),
  /** The stable port, since it got there once: kept where the proxy is taken away. */
  port: z.number().optional(),
});
/** What this folder remembers of one environment. The engine and the proxy stay the truth about what runs. */
export type Memory = z.infer<typeof Memory>;

/** An unprivileged user that exists on every system; the proxy runs as it when we are root. */
const nobody = 65_534;

/**
 * The private folder of one environment on the engine's host: what was last applied, the proxy's configuration and socket, and the
 * secret files. They outlive us and a reboot, because the containers do. 0700 at the top, so nobody else gets in from the host;
 * files below may be read by whatever user an image runs as.
 */
export class EnvironmentFiles {
  readonly root: string;

  constructor(dataDir: string, environment: EnvironmentRef) {
    // A hash keeps the path short: the proxy's socket is below it.
    const key = createHash('sha256').update(stem(environment)).digest('hex').slice(0, 12);
    this.root = path.join(path.resolve(dataDir), 'environments', key);
  }

  get configDir(): string {
    return path.join(this.root, 'proxy', 'etc');
  }

  get runDir(): string {
    return path.join(this.root, 'proxy', 'run');
  }

  get socket(): string {
    return path.join(this.runDir, 'admin.sock');
  }

  /** Who the proxy runs as: never root. */
  get proxyUser(): string {
    const uid = process.getuid?.() ?? 0;
    return uid === 0 ? `${nobody}:${nobody}` : `${uid}:${process.getgid?.() ?? uid}`;
  }

  /** Makes the folders. */
  async prepare(): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await chmod(this.root, 0o700);
    await mkdir(this.configDir, { recursive: true, mode: 0o755 });
    await mkdir(this.runDir, { recursive: true, mode: 0o700 });
    if (process.getuid?.() === 0) await chown(this.runDir, nobody, nobody);
  }

  /** What is remembered, or nothing when the environment was never applied from here. */
  async remembered(): Promise<Memory | undefined> {
    const text = await readText(path.join(this.root, 'applied.json'));
    return text === undefined ? undefined : Memory.parse(JSON.parse(text));
  }

  async remember(memory: Memory): Promise<void> {
    await this.#replace(path.join(this.root, 'applied.json'), JSON.stringify(memory, undefined, 2), 0o600);
  }

  /** Writes the proxy's configuration if it is another one. True when it was. */
  async writeConfig(text: string): Promise<boolean> {
    const file = path.join(this.configDir, 'haproxy.cfg');
    if ((await readText(file)) === text) return false;
    await this.#replace(file, text, 0o644);
    return true;
  }

  /** The folder of secret files for a deployment or a one-shot container, written if need be; nothing when it has none. */
  async secrets(deployment: Pick<Deployment, 'secrets'>): Promise<string | undefined> {
    const bindings = deployment.secrets ?? [];
    if (bindings.length === 0) return undefined;
    const folder = path.join(this.root, 'secrets', secretsKey(bindings));
    await mkdir(folder, { recursive: true, mode: 0o755 });
    for (const binding of bindings) {
      const { name } = binding;
      if (!/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/.test(name))
        throw new Error(`secret ${JSON.stringify(name)}: not a name a file may have`);
      const file = path.join(folder, name);
      if ((await readText(file)) === undefined) await this.#replace(file, await binding.read(), 0o444);
    }
    return folder;
  }

  async hasConfig(): Promise<boolean> {
    return (await readText(path.join(this.configDir, 'haproxy.cfg'))) !== undefined;
  }

  /** Secret files of versions that nothing runs with any more. */
  async dropOldSecrets(keep: AppliedDeployment): Promise<void> {
    const folder = path.join(this.root, 'secrets');
    const names = await readdir(folder).catch(() => []);
    for (const name of names) if (name !== secretsKey(keep.secrets)) await rm(path.join(folder, name), { recursive: true, force: true });
  }

  /** Takes everything away. */
  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }

  async #replace(file: string, content: string | Uint8Array, mode: number): Promise<void> {
    const fresh = `${file}.${randomUUID()}.new`;
    await writeFile(fresh, content, { mode });
    await chmod(fresh, mode);
    await rename(fresh, file);
  }
}

function secretsKey(secrets: readonly { readonly name: string; readonly version: string }[]): string {
  return createHash('sha256')
    .update(JSON.stringify(secretsOf({ secrets })))
    .digest('hex')
    .slice(0, 16);
}

/** What is kept of a deployment. */
export function withoutSecrets(deployment: Deployment): AppliedDeployment {
  const { environment } = deployment;
  return AppliedDeployment.parse({
    ...deployment,
    environment: { ...environment, namespace: environment.namespace ?? defaultNamespace },
    secrets: (deployment.secrets ?? []).map(({ name, version }) => ({ name, version })),
  });
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
