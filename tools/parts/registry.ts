import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DataDir } from './data-dir.ts';
import { findDocker } from './docker.ts';
import { startImage } from './images.ts';
import type { Part } from './part.ts';
import { freePortLike, portIsFree } from './ports.ts';
import { findCommand, startProcess } from './processes.ts';
import { until } from './until.ts';

/** The longest that collecting garbage may hold up a start. */
const garbageMs = 60_000;

/** Uses the registry SLIPWAY_REGISTRY names, else runs one on the loopback address, which every Docker Engine accepts without TLS. Its url is `host:port`. */
export async function startRegistry(dataDir: DataDir): Promise<Part> {
  const named = process.env['SLIPWAY_REGISTRY'];
  if (named) {
    await until(`the registry named by SLIPWAY_REGISTRY (${named}) answers`, () => answers(named), { within: 10_000 });
    return { name: 'registry', url: named, ours: false, stop: async () => {} };
  }
  const port = await registryPort(dataDir);
  const url = `localhost:${port}`;
  const program = findCommand('docker-registry') ?? findCommand('registry');
  const running = program === undefined ? await fromImage(dataDir, port) : await fromProgram(dataDir, program, port);
  try {
    await until('the image registry answers', () => answers(url), { within: 30_000, stillWorthIt: running.assertRunning });
  } catch (error) {
    await running.stop();
    throw error;
  }
  return { name: 'registry', url, ours: true, stop: () => running.stop() };
}

/** The port is part of every image's name, so a registry whose data is kept must come back on the same one. */
async function registryPort(dataDir: DataDir): Promise<number> {
  const known = Number(await dataDir.remembered('registry-port'));
  if (known > 0) {
    if (await portIsFree(known)) return known;
    throw new Error(
      `Port ${known} is taken by another program, but the names of the images kept in ${dataDir.path} hold it. End that program first.`,
    );
  }
  const port = await freePortLike(dataDir.temporary ? undefined : 5000);
  await dataDir.remember('registry-port', String(port));
  return port;
}

async function fromProgram(dataDir: DataDir, program: string, port: number): Promise<{ stop(): Promise<void>; assertRunning(): void }> {
  const folder = await dataDir.folder('registry');
  const config = join(folder, 'config.yml');
  const secret = randomBytes(16).toString('hex');
  const lines = [
    'version: 0.1',
    'log: {level: warn, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${JSON.stringify(join(folder, 'data'))}}, delete: {enabled: true}}`,
    `http: {addr: '127.0.0.1:${port}', secret: ${secret}}`,
  ];
  await writeFile(config, `${lines.join('\n')}\n`, { mode: 0o600 });
  await collectGarbage(program, config, join(folder, 'data'));
  return startProcess(dataDir, { name: 'registry', command: program, args: ['serve', config] });
}

/**
 * Frees what removed images took: this registry does it only when it is told to, and nobody may push meanwhile, so now, before it runs. Best left undone
 * where it takes too long or fails: it is all there, and the next start tries again.
 */
async function collectGarbage(program: string, config: string, data: string): Promise<void> {
  if (!existsSync(join(data, 'docker/registry/v2/repositories'))) return;
  const options = { timeout: garbageMs, killSignal: 'SIGTERM', maxBuffer: 64 * 1024 * 1024 } as const;
  await promisify(execFile)(program, ['garbage-collect', config], options).catch(() => undefined);
}

async function fromImage(dataDir: DataDir, port: number): Promise<{ stop(): Promise<void>; assertRunning(): void }> {
  const docker = await findDocker();
  if (docker === undefined)
    throw new Error(
      'A registry is needed: install docker-registry (or Docker, for the image registry:2), or name one in SLIPWAY_REGISTRY.',
    );
  const data = await dataDir.folder('registry');
  const env = ['REGISTRY_STORAGE_DELETE_ENABLED=true'];
  const container = await startImage(docker, {
    name: 'registry',
    image: 'registry:2',
    env,
    ports: { [port]: 5000 },
    binds: { [data]: '/var/lib/registry' },
    dataDir,
  });
  return { stop: container.stop, assertRunning: () => {} };
}

async function answers(registry: string): Promise<boolean> {
  const isLocal = /^(localhost|127\.|\[::1\])/.test(registry);
  const address = isLocal ? `http://${registry.replace('localhost', '127.0.0.1')}` : `https://${registry}`;
  const answer = await fetch(`${address}/v2/`, { signal: AbortSignal.timeout(5000) });
  // 401 is a registry that wants a login: it is there.
  return answer.status === 200 || answer.status === 401;
}
