import { setTimeout as delay } from 'node:timers/promises';
import type { ContainerInfo } from '@slipway/docker-engine';
import type { Deployment } from '../deployment.js';
import type { Applied, Refusal } from '../observed.js';
import type { ActContext } from '../port.js';
import { configHash } from './config-hash.js';
import { converge, type Ongoing, type Outcome, startFirst } from './converge.js';
import { type EnvironmentFiles, type Memory, withoutSecrets } from './environment-files.js';
import { dropImages, ensureImage } from './images.js';
import { environmentLabels, isLeaving, label } from './labels.js';
import { ensureNetwork } from './network.js';
import { type Looked, observe } from './observe.js';
import type { Prober } from './probe.js';
import { ensureProxy, portMayBeHad, stablePortOf } from './proxy.js';
import { ProxyAdmin, ProxyAway } from './proxy-admin.js';
import { healthPath } from './proxy-config.js';
import { reconnect } from './reconnect.js';
import type { Settings } from './settings.js';
import { together } from './together.js';
import { Traffic } from './traffic.js';

/** How long a proxy that was just started may take to open its socket. */
const proxyPatienceMs = 3000;
/** Images kept for going back: what runs, and the two before it. */
const keptImages = 3;
/** Images kept while none of them comes up. */
const triedImages = 10;

/** One call of `Orchestrator.apply`: prepare what instances need, then take them as far as they get. */
export async function apply(
  settings: Settings,
  files: EnvironmentFiles,
  prober: Prober,
  ongoing: Ongoing,
  deployment: Deployment,
  context: ActContext,
): Promise<Applied> {
  const { looked, ...outcome } = await take(settings, files, prober, ongoing, deployment, context);
  const observed = await observe(settings, files, prober, deployment.environment, context.signal, looked);
  return { ...observed, ...outcome };
}

async function take(
  settings: Settings,
  files: EnvironmentFiles,
  prober: Prober,
  ongoing: Ongoing,
  deployment: Deployment,
  context: ActContext,
): Promise<Outcome & { readonly looked?: Looked }> {
  const { signal } = context;
  const wrong = problemOf(deployment) ?? (await ensureImage(settings.engine, deployment.image, settings.authFor, signal));
  if (wrong !== undefined) return { progress: 'refused', refusal: wrong };
  await files.prepare();
  const network = await ensureNetwork(settings, deployment.environment, signal);
  if ('kind' in network) return { progress: 'refused', refusal: network };
  const secrets = await files.secrets(deployment);
  const { memory, nothingThere } = await begin(settings, files, deployment, signal);
  const making = { settings, deployment, configHash: configHash(deployment), network, secrets, epoch: context.epoch, signal };
  const convergence = { settings, deployment, making, files, prober, ongoing, context };
  const early = nothingThere && (await portMayBeHad(settings, deployment)) ? startFirst(convergence) : undefined;
  const proxying = ready(settings, files, deployment, network, signal);
  await together<unknown>([proxying, early ?? proxying]);
  const [proxy, refused] = [await proxying, await early];
  if ('progress' in proxy) return proxy;
  if (refused !== undefined) return { progress: 'refused', refusal: refused };
  try {
    const { outcome, memory: after, facts } = await converge(convergence, memory);
    if (outcome.progress === 'converged' && !after.converged) await tidy(settings, files, { ...after, port: stablePortOf(proxy) }, signal);
    if (outcome.progress === 'converged') ongoing.reconnecting.delete(network.name);
    if (outcome.progress === 'moving' && facts !== undefined) await reconnect(making, facts, proxy, ongoing.reconnecting);
    return { ...outcome, ...(facts && { looked: { facts, proxy } }) };
  } catch (error) {
    if (error instanceof ProxyAway) return { progress: 'moving', waitingFor: `the proxy: ${error.message}` };
    throw error;
  }
}

function problemOf(deployment: Deployment): Refusal | undefined {
  const { instances, app, image, digest } = deployment;
  const invalid = (reason: string): Refusal => ({ kind: 'invalid', reason });
  if (!Number.isInteger(instances) || instances < 0) return invalid(`instances: ${instances} is no count`);
  if (!image.endsWith(`@${digest}`))
    return { kind: 'image-mismatch', reason: `image ${image} is not the digest ${digest} of the deployment` };
  if (!Number.isInteger(app.port) || app.port < 1 || app.port > 65_535) return invalid(`app.port: ${app.port} is no port`);
  if (app.health !== undefined && !healthPath.test(app.health.http))
    return invalid(`app.health.http: ${JSON.stringify(app.health.http)} is no path of letters, digits and ._~!*+=:@/?&%-`);
  return undefined;
}

/** Writes down what is being applied before anything is done for it, so that a crash leaves no instance that nobody asked for. */
async function begin(
  settings: Settings,
  files: EnvironmentFiles,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<{ memory: Memory; nothingThere: boolean }> {
  const before = await files.remembered();
  const kept = withoutSecrets(deployment);
  const same = before?.converged && JSON.stringify(before.deployment) === JSON.stringify(kept);
  if (same) return { memory: before, nothingThere: false };
  const images = await withImage(settings, before?.images ?? [], deployment.image, signal);
  // Our folder was lost, or this is the first time: whatever runs here goes on serving until it is replaced.
  const labels = environmentLabels(deployment.environment, settings.installation);
  const there = before === undefined ? await settings.engine.containers.list({ labels }, { signal }) : undefined;
  const running = there
    ?.filter((one) => one.labels[label.role] === 'instance' && one.status === 'running' && !isLeaving(one))
    .map((one) => one.name);
  const memory = { deployment: kept, converged: false, members: before?.members ?? running ?? [], images, port: before?.port };
  signal.throwIfAborted();
  await files.remember(memory);
  return { memory, nothingThere: there?.length === 0 };
}

/** The proxy holds the stable port before any instance is replaced; the first ones start beside it, if the port looks free. */
async function ready(
  settings: Settings,
  files: EnvironmentFiles,
  deployment: Deployment,
  network: { name: string; subnet: string },
  signal: AbortSignal,
): Promise<Outcome | ContainerInfo> {
  if (!(await files.hasConfig())) await new Traffic(files, deployment.app).write([]);
  const proxy = await ensureProxy(settings, deployment, network, files, signal);
  if ('kind' in proxy) return { progress: 'refused', refusal: proxy };
  const admin = new ProxyAdmin(files.socket);
  const until = performance.now() + proxyPatienceMs;
  for (;;) {
    try {
      await admin.servers();
      return proxy;
    } catch (error) {
      if (!(error instanceof ProxyAway)) throw error;
      if (performance.now() > until) {
        // Its folder was lost, or it hangs: started anew it binds the folder again and reads its file.
        await settings.engine.containers.restart(proxy.id, { graceSeconds: 1, signal });
        return { progress: 'moving', waitingFor: 'the proxy to start' };
      }
      await delay(25, undefined, { signal });
    }
  }
}

/** The images of an environment with one more as the newest. Where one after the other fails to come up, none of them would be the end of an older one. */
async function withImage({ engine }: Settings, known: readonly string[], image: string, signal: AbortSignal): Promise<string[]> {
  if (known.includes(image)) return [...known.filter((each) => each !== image), image];
  return [...(await dropImages(engine, known.slice(0, -triedImages), signal)), ...known.slice(-triedImages), image];
}

/** Nothing of it is begun once the call is over: another's files would be written over. */
async function tidy(settings: Settings, files: EnvironmentFiles, memory: Memory, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await files.remember({ ...memory, converged: true });
  signal.throwIfAborted();
  await files.dropOldSecrets(memory.deployment);
  const [old, keep] = [memory.images.slice(0, -keptImages), memory.images.slice(-keptImages)];
  // What somebody uses, or the engine keeps for now, goes another time.
  if (old.length === 0) return;
  const left = await dropImages(settings.engine, old, signal);
  signal.throwIfAborted();
  await files.remember({ ...memory, converged: true, images: [...left, ...keep] });
}
