import { createServer } from 'node:net';
import { Conflict, type ContainerInfo, type ContainerSpec, EngineError, NotFound } from '@slipway/docker-engine';
import type { Deployment, EnvironmentRef } from '../deployment.js';
import type { Refusal } from '../observed.js';
import { freeAddress } from './addresses.js';
import type { EnvironmentFiles } from './environment-files.js';
import { belongsTo, environmentLabels, isWhole, label, proxyName } from './labels.js';
import type { Network } from './network.js';
import { proxyPaths, proxyPort } from './proxy-config.js';
import { type ProxyImage, proxyImage } from './proxy-image.js';
import type { Settings } from './settings.js';

const tries = 3;
const portTaken = /port is already allocated|address already in use|bind: /i;

/** The proxy container if there is one of that name; a refusal when somebody else has the name. */
export async function findProxy(
  settings: Settings,
  environment: EnvironmentRef,
  signal?: AbortSignal,
): Promise<ContainerInfo | Refusal | undefined> {
  const name = proxyName(environment);
  const found = await settings.engine.containers.inspect(name, signal === undefined ? {} : { signal });
  if (found === undefined || belongsTo(found.labels, environment, settings.installation)) return found;
  return { kind: 'not-ours', reason: `container ${name} exists and does not belong to this environment` };
}

/** The port the environment keeps, as the proxy's labels say (published ports are empty while it is stopped). */
export function stablePortOf(proxy: ContainerInfo): number | undefined {
  const port = Number(proxy.labels[stablePortLabel]);
  return Number.isInteger(port) && port > 0 ? port : undefined;
}

const stablePortLabel = 'dev.slipway.port';
const addressLabel = 'dev.slipway.listen';

/**
 * The proxy runs and holds the stable port. It is made once and then left alone over all releases; only another port asked
 * for by the project makes a new one. Its configuration has to be written before.
 */
export async function ensureProxy(
  settings: Settings,
  deployment: Deployment,
  network: Network,
  files: EnvironmentFiles,
  signal: AbortSignal,
): Promise<ContainerInfo | Refusal> {
  const { containers } = settings.engine;
  const { environment } = deployment;
  const found = await findProxy(settings, environment, signal);
  if (found !== undefined && 'kind' in found) return found;
  const asked = deployment.app.stablePort;
  const fits =
    found !== undefined &&
    (asked === undefined || asked === stablePortOf(found)) &&
    found.labels[addressLabel] === settings.address &&
    isWhole(found);
  if (fits && found.running) return found;
  await clearAddress(settings, environment, network, signal);
  if (found !== undefined) {
    if (fits) {
      const started = await tryStart(settings, found.id, signal);
      if (started) return await inspected(settings, environment, signal);
    }
    // Nothing that serves is taken away for a port that can't be had.
    if (asked !== undefined && asked !== stablePortOf(found) && !(await isFree(settings.address, asked))) return taken(settings, asked);
    await containers.remove(found.id, { force: true, signal });
  }
  const had = found === undefined ? (await files.remembered())?.port : stablePortOf(found);
  for (const port of await portsToTry(settings, deployment, had, signal)) {
    const id = await create(settings, (image) => specOf(settings, environment, network, files, image, port), signal);
    if (await tryStart(settings, id, signal)) return await inspected(settings, environment, signal);
    await containers.remove(id, { force: true, signal });
  }
  return taken(settings, asked);
}

/** Somebody who removes the last environment takes the image along: it is made again then. */
async function create(settings: Settings, spec: (image: ProxyImage) => ContainerSpec, signal: AbortSignal): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const image = await proxyImage(settings.engine, settings.proxyImage, signal);
    try {
      return await settings.engine.containers.create(spec(image), { signal });
    } catch (error) {
      if (!(error instanceof NotFound) || attempt === tries) throw error;
    }
  }
}

/** What Docker kept half made starts at any address that is free, be it the proxy's while that does not run. Nobody finds it there, and the proxy could not start. */
async function clearAddress(
  { engine, installation }: Settings,
  environment: EnvironmentRef,
  { name, subnet }: Network,
  signal: AbortSignal,
): Promise<void> {
  const address = freeAddress(subnet, 'proxy', new Set());
  const ours = await engine.containers.list({ labels: environmentLabels(environment, installation) }, { signal });
  const inTheWay = ours.filter(({ labels, networks }) => {
    return labels[label.role] !== 'proxy' && networks.some((one) => one.name === name && one.address === address);
  });
  for (const { id } of inTheWay) await engine.containers.remove(id, { force: true, signal });
}

function taken(settings: Settings, port: number | undefined): Refusal {
  const which = port === undefined ? `every port from ${settings.ports.join(' to ')}` : `port ${port}`;
  return { kind: 'port-taken', reason: `${which} of ${settings.address} is in use by something else` };
}

/** Whether something listens there already; only that one answer is certain from here. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** False when the port that the project asks for is certainly in use: nothing is started for it then. */
export async function portMayBeHad(settings: Settings, { app }: Deployment): Promise<boolean> {
  return app.stablePort === undefined || (await isFree(settings.address, app.stablePort));
}

function specOf(
  settings: Settings,
  environment: EnvironmentRef,
  network: Network,
  files: EnvironmentFiles,
  image: ProxyImage,
  port: number,
): ContainerSpec {
  const address = freeAddress(network.subnet, 'proxy', new Set());
  return {
    name: proxyName(environment),
    image: image.image,
    entrypoint: image.entrypoint,
    command: ['-db', '-f', `${proxyPaths.config}/haproxy.cfg`],
    user: files.proxyUser,
    labels: {
      ...environmentLabels(environment, settings.installation),
      [label.role]: 'proxy',
      [label.address]: address ?? '',
      [stablePortLabel]: String(port),
      [addressLabel]: settings.address,
    },
    networks: [{ network: network.name, ...(address && { address }) }],
    ports: [{ container: proxyPort, host: port, hostAddress: settings.address }],
    mounts: [
      { type: 'bind' as const, source: files.configDir, target: proxyPaths.config, readOnly: true },
      { type: 'bind' as const, source: files.runDir, target: proxyPaths.run },
    ],
    // As with instances: after an Engine that was killed, too.
    restart: 'always' as const,
    limits: { memoryBytes: 512 * 1024 * 1024, pids: 256 },
    readOnlyRoot: true,
    capDrop: ['ALL'],
    securityOptions: ['no-new-privileges'],
    // Finishes what it has and ends. SIGTERM would do nothing: HAProxy leaves it to the kernel, which spares a container's first process.
    stopSignal: 'SIGUSR1',
    logging: { driver: 'json-file', options: { 'max-size': '5m', 'max-file': '2' } },
  };
}

async function inspected(settings: Settings, environment: EnvironmentRef, signal: AbortSignal): Promise<ContainerInfo | Refusal> {
  return (
    (await findProxy(settings, environment, signal)) ?? {
      kind: 'not-ours',
      reason: `container ${proxyName(environment)} was taken away while it was made`,
    }
  );
}

/** False when the port is taken. */
async function tryStart(settings: Settings, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    await settings.engine.containers.start(id, { signal });
    return true;
  } catch (error) {
    if (error instanceof EngineError && (portTaken.test(error.message) || error instanceof Conflict)) return false;
    throw error;
  }
}

/** The project's own port; else the one it had, then the range, from a place that differs by environment, without those known to be taken. */
async function portsToTry(settings: Settings, deployment: Deployment, had: number | undefined, signal: AbortSignal): Promise<number[]> {
  const { stablePort } = deployment.app;
  if (stablePort !== undefined) return [stablePort];
  const [first, last] = settings.ports;
  const size = last - first + 1;
  const { project, environment } = deployment.environment;
  const start = [...`${project}/${environment}`].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 1_000_003, 7) % size;
  const taken = new Set<number>();
  for (const container of await settings.engine.containers.list({}, { signal })) {
    for (const port of container.ports) taken.add(port.host);
    const kept = Number(container.labels[stablePortLabel]);
    if (kept > 0) taken.add(kept);
  }
  const range = Array.from({ length: size }, (_, index) => first + ((start + index) % size)).filter((port) => !taken.has(port));
  return (had !== undefined && had >= first && had <= last ? [had, ...range] : range).slice(0, 20);
}
