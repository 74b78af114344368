import { Conflict, type ContainerInfo, type DockerEngine, EngineError, NotFound, Refused } from '@slipway/docker-engine';
import type { Deployment } from '../deployment.js';
import type { Refusal } from '../observed.js';
import { TargetUnavailable } from '../port.js';
import { freeAddress } from './addresses.js';
import { belongsTo, environmentLabels, instanceName, isLeaving, label, leavingName } from './labels.js';
import type { Network } from './network.js';
import type { Settings } from './settings.js';

/** Where secret files are inside a container. */
export const secretsFolder = '/run/secrets';

/** What an instance is made from, besides the deployment. */
export interface Making {
  readonly settings: Settings;
  readonly deployment: Deployment;
  readonly configHash: string;
  readonly network: Network;
  readonly secrets: string | undefined;
  readonly epoch: number;
  readonly signal: AbortSignal;
}

/** Makes and starts instance `number`. One of that name that is ours is adopted; one that is not, is refused. */
export async function makeInstance(making: Making, number: number, taken: Set<string>): Promise<Refusal | undefined> {
  const { settings, deployment, signal } = making;
  const { containers } = settings.engine;
  const name = instanceName(deployment, making.configHash, number);
  const address = freeAddress(making.network.subnet, 'instance', taken);
  if (address === undefined) return { kind: 'no-space', reason: `no free address left on network ${making.network.name}` };
  taken.add(address);
  try {
    const id = await containers.create(specOf(making, name, number, address), { signal });
    return await startInstance(settings.engine, id, signal);
  } catch (error) {
    // It was here a moment ago: another environment, done with that image, took it away. The next look pulls it again, or learns that nobody has it any more.
    if (error instanceof NotFound) throw new TargetUnavailable('target', error.message, { cause: error });
    if (!(error instanceof Conflict)) throw error;
    const other = await containers.inspect(name, { signal });
    if (
      other === undefined ||
      (belongsTo(other.labels, deployment.environment, settings.installation) && other.labels[label.role] === 'instance')
    )
      return undefined;
    return { kind: 'not-ours', reason: `container ${name} exists and does not belong to this environment` };
  }
}

/** Starts one that exists. A command that can't be run is a "no" for good. */
export async function startInstance(engine: DockerEngine, id: string, signal: AbortSignal): Promise<Refusal | undefined> {
  try {
    await engine.containers.start(id, { signal });
    return undefined;
  } catch (error) {
    if (error instanceof Refused || (error instanceof EngineError && /OCI runtime|exec:|executable file not found/i.test(error.message)))
      return { kind: 'invalid', reason: `it can't be started: ${error.message}` };
    throw error;
  }
}

/** Gives one that is on its way out the name of such: whoever stops it after that, however late, stops nothing that is needed. False where it is gone, or not yet to be had. */
export async function takeLeave(engine: DockerEngine, info: ContainerInfo, signal: AbortSignal): Promise<boolean> {
  if (isLeaving(info)) return true;
  const { containers } = engine;
  const renamed = async (): Promise<boolean> => {
    try {
      await containers.rename(info.id, leavingName(info), { signal });
      return true;
    } catch (error) {
      if (error instanceof NotFound || error instanceof Conflict) return false;
      throw error;
    }
  };
  if (await renamed()) return true;
  if ((await containers.inspect(info.id, { signal })) === undefined) return false;
  // Between two starts of what crashes again and again the engine has nothing of it to rename, and says that it is not there.
  await containers.stop(info.id, { graceSeconds: 0, signal });
  return await renamed();
}

function specOf(making: Making, name: string, number: number, address: string) {
  const { settings, deployment } = making;
  const { app } = deployment;
  return {
    name,
    image: deployment.image,
    ...(app.command && { command: app.command }),
    env: { ...app.env },
    labels: {
      ...environmentLabels(deployment.environment, settings.installation),
      [label.role]: 'instance',
      [label.release]: deployment.release,
      [label.digest]: deployment.digest,
      [label.attempt]: String(deployment.attempt),
      [label.epoch]: String(making.epoch),
      [label.config]: making.configHash,
      [label.number]: String(number),
      [label.address]: address,
      [label.appPort]: String(app.port),
      [label.health]: app.health?.http ?? '',
    },
    networks: [{ network: making.network.name, address }],
    ports: [{ container: app.port, hostAddress: settings.probeHost }],
    mounts: making.secrets === undefined ? [] : [{ type: 'bind' as const, source: making.secrets, target: secretsFolder, readOnly: true }],
    limits: { pids: 4096, ...(app.cpus && { cpus: app.cpus }), ...(app.memoryBytes && { memoryBytes: app.memoryBytes }) },
    // Docker itself brings it back after a crash, its own restart or the host's. Not `unless-stopped`: an Engine that was killed takes the
    // containers it finds alive for stopped by a person when it starts again (moby 41302), and leaves them so.
    restart: 'always' as const,
    stopGraceSeconds: Math.max(1, Math.ceil(app.drainMs / 1000)),
    securityOptions: ['no-new-privileges'],
    logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
  };
}
