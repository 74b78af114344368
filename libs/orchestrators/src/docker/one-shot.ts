import { Conflict, EngineError, LimitExceeded, NotFound } from '@slipway/docker-engine';
import { type OneShot, type OneShotResult, TargetUnavailable } from '../port.js';
import { freeAddress } from './addresses.js';
import type { EnvironmentFiles } from './environment-files.js';
import { ensureImage } from './images.js';
import { secretsFolder, startInstance } from './instances.js';
import { belongsTo, environmentLabels, label, stem } from './labels.js';
import { LogTail } from './log-tail.js';
import { ensureNetwork, ownNetworks } from './network.js';
import { findProxy } from './proxy.js';
import { proxyPort } from './proxy-config.js';
import type { Settings } from './settings.js';

const keptLines = 100;
const defaultLogBytes = 1024 * 1024;
const largestFile = 1024 * 1024;
const tries = 5;

/** Runs a throw-away container on the environment's network and takes it away, however it ends. */
export async function runOnce(settings: Settings, files: EnvironmentFiles, shot: OneShot): Promise<OneShotResult> {
  const began = performance.now();
  const refused = (reason: string): OneShotResult => ({
    timedOut: false,
    outOfMemory: false,
    tookMs: Math.round(performance.now() - began),
    log: [],
    files: {},
    refused: reason,
  });
  const refusal = await ensureImage(settings.engine, shot.image, settings.authFor, shot.signal);
  if (refusal !== undefined) return refused(refusal.reason);
  const id = await create(settings, files, shot);
  if (typeof id !== 'string') return refused(id.reason);
  try {
    const problem = await startInstance(settings.engine, id, shot.signal);
    if (problem !== undefined) return refused(problem.reason);
    const { exitCode, log } = await follow(settings, id, shot);
    const info = await settings.engine.containers.inspect(id);
    return {
      ...(exitCode !== undefined && { exitCode }),
      timedOut: exitCode === undefined,
      outOfMemory: info?.oomKilled ?? false,
      tookMs: Math.round(performance.now() - began),
      log,
      files: await readFiles(settings, id, shot.files ?? []),
    };
  } finally {
    await settings.engine.containers.remove(id, { force: true });
  }
}

async function create(settings: Settings, files: EnvironmentFiles, shot: OneShot): Promise<string | { reason: string }> {
  const { containers } = settings.engine;
  const { environment, signal } = shot;
  const { length: there } = await ownNetworks(settings, environment, signal);
  if (there === 0) return { reason: `nothing runs in ${environment.project}/${environment.environment}: it has no network` };
  const network = await ensureNetwork(settings, environment, signal);
  if ('kind' in network) return network;
  const name = `${stem(environment)}.once.${shot.name}`;
  const left = await containers.inspect(name, { signal });
  if (left !== undefined && !belongsTo(left.labels, environment, settings.installation))
    return { reason: `container ${name} exists and does not belong to this environment` };
  if (left !== undefined) await containers.remove(left.id, { force: true, signal });
  const secrets = await files.secrets(shot);
  const taken = new Set(
    (await containers.list({ labels: environmentLabels(environment, settings.installation) }, { signal })).map(
      (one) => one.labels[label.address] ?? '',
    ),
  );
  for (let attempt = 1; ; attempt++) {
    const address = freeAddress(network.subnet, 'one-shot', taken);
    if (address === undefined) return { reason: `no free address left on network ${network.name}` };
    taken.add(address);
    try {
      return await containers.create(
        {
          ...specOf(settings, shot, await urlOf(settings, shot)),
          name,
          networks: [{ network: network.name, address }],
          mounts: mountsOf(secrets),
        },
        { signal },
      );
    } catch (error) {
      if (error instanceof NotFound) throw new TargetUnavailable('target', error.message, { cause: error });
      if (!(error instanceof Conflict) || attempt === tries) throw error;
    }
  }
}

function mountsOf(secrets: string | undefined) {
  return secrets === undefined ? [] : [{ type: 'bind' as const, source: secrets, target: secretsFolder, readOnly: true }];
}

function specOf(settings: Settings, shot: OneShot, url: string) {
  const { limits } = shot;
  const [entrypoint, ...command] = shot.command ?? [];
  return {
    image: shot.image,
    ...(entrypoint !== undefined && { entrypoint: [entrypoint], command }),
    env: { ...shot.env, SLIPWAY_URL: url },
    labels: {
      ...environmentLabels(shot.environment, settings.installation),
      [label.role]: 'one-shot',
      [label.release]: shot.release,
      [label.digest]: shot.image.split('@')[1] ?? '',
    },
    limits: { pids: 1024, ...(limits.cpus && { cpus: limits.cpus }), ...(limits.memoryBytes && { memoryBytes: limits.memoryBytes }) },
    restart: 'no' as const,
    securityOptions: ['no-new-privileges'],
    logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '2' } },
  };
}

/** By address, not by name: some servers answer only to names they know. */
async function urlOf(settings: Settings, shot: OneShot): Promise<string> {
  const proxy = await findProxy(settings, shot.environment, shot.signal);
  const address = proxy !== undefined && 'labels' in proxy ? proxy.labels[label.address] : undefined;
  return address === undefined || address === '' ? '' : `http://${address}:${proxyPort}`;
}

async function follow(settings: Settings, id: string, shot: OneShot): Promise<{ exitCode?: number; log: readonly string[] }> {
  const { containers } = settings.engine;
  const limit = AbortSignal.timeout(shot.limits.timeMs);
  const signal = AbortSignal.any([shot.signal, limit]);
  const tail = new LogTail(keptLines);
  let left = shot.limits.logBytes ?? defaultLogBytes;
  const reading = (async () => {
    for await (const piece of containers.logs(id, { follow: true, signal })) {
      const text = tail.add(piece);
      if (left > 0) shot.onLog?.(text.slice(0, left));
      left -= text.length;
    }
  })().catch((error: unknown) => {
    if (!(error instanceof EngineError)) throw error;
  });
  try {
    const { exitCode } = await containers.wait(id, { signal });
    await reading;
    return { exitCode, log: tail.lines };
  } catch (error) {
    await reading;
    shot.signal.throwIfAborted();
    if (limit.aborted) return { log: tail.lines };
    if (error instanceof EngineError && error.transient) throw new TargetUnavailable('target', error.message, { cause: error });
    throw error;
  }
}

async function readFiles(settings: Settings, id: string, paths: readonly string[]): Promise<Record<string, Uint8Array>> {
  const read: Record<string, Uint8Array> = {};
  for (const path of paths) {
    try {
      const [file] = await settings.engine.containers.copyOut(id, path, { maxBytes: largestFile });
      if (file !== undefined) read[path] = file.bytes;
    } catch (error) {
      if (!(error instanceof NotFound || error instanceof LimitExceeded)) throw error;
    }
  }
  return read;
}
