import type { ContainerInfo } from '@slipway/docker-engine';
import type { Capabilities } from '../capabilities.js';
import type { Deployment, EnvironmentRef } from '../deployment.js';
import type { Applied, InstanceEvidence, Observed, Refusal } from '../observed.js';
import { type ActContext, type OneShot, type OneShotResult, type Orchestrator, TargetUnavailable } from '../port.js';
import { apply } from './apply.js';
import { dockerCapabilities } from './capabilities.js';
import type { Ongoing } from './converge.js';
import { EnvironmentFiles } from './environment-files.js';
import { evidence } from './evidence.js';
import { ensureImage, onTarget } from './images.js';
import { defaultNamespace, label } from './labels.js';
import { observe } from './observe.js';
import { runOnce } from './one-shot.js';
import { Prober } from './probe.js';
import { proxyImage } from './proxy-image.js';
import { removeEnvironment } from './remove.js';
import { type DockerTarget, type Settings, withDefaults } from './settings.js';
import { watch } from './watch.js';

/** One Docker host: containers on a network of their own for every environment, behind one HAProxy that keeps the stable port. */
export class DockerOrchestrator implements Orchestrator {
  readonly capabilities: Capabilities = dockerCapabilities;
  readonly #settings: Settings;
  readonly #prober = new Prober();
  readonly #ongoing: Ongoing = { draining: new Map(), stopping: new Map(), reconnecting: new Map() };

  #prepared = false;

  constructor(target: DockerTarget) {
    this.#settings = withDefaults(target);
  }

  async apply(deployment: Deployment, context: ActContext): Promise<Applied> {
    return await onTarget(() =>
      apply(this.#settings, this.#files(deployment.environment), this.#prober, this.#ongoing, deployment, context),
    );
  }

  async observe(environment: EnvironmentRef, signal?: AbortSignal): Promise<Observed> {
    return await onTarget(() => observe(this.#settings, this.#files(environment), this.#prober, environment, signal));
  }

  watch(environment: EnvironmentRef, signal: AbortSignal): AsyncIterable<Observed> {
    return watch(this.#settings, environment, () => this.observe(environment, signal), signal);
  }

  async scale(environment: EnvironmentRef, instances: number, context: ActContext): Promise<Applied> {
    const memory = await this.#files(environment).remembered();
    if (memory === undefined) {
      const reason = `nothing was ever applied to ${environment.project}/${environment.environment} from here`;
      return { ...(await this.observe(environment, context.signal)), progress: 'refused', refusal: { kind: 'invalid', reason } };
    }
    const { secrets, ...rest } = memory.deployment;
    return await this.apply({ ...(rest as Deployment), instances, secrets: secrets.map(onDisk) }, context);
  }

  async remove(environment: EnvironmentRef, context: ActContext): Promise<boolean> {
    return await onTarget(() => removeEnvironment(this.#settings, this.#files(environment), environment, context));
  }

  async runOnce(shot: OneShot): Promise<OneShotResult> {
    return await onTarget(() => runOnce(this.#settings, this.#files(shot.environment), shot));
  }

  /** Makes the proxy's image too: what may take long is done here, so that no call of `apply` does. */
  async available(image: string, signal?: AbortSignal): Promise<{ ok: true } | { ok: false; refusal: Refusal }> {
    const prepared = this.#prepared ? undefined : onTarget(() => proxyImage(this.#settings.engine, this.#settings.proxyImage, signal));
    const [pulled, made] = await Promise.allSettled([ensureImage(this.#settings.engine, image, this.#settings.authFor, signal), prepared]);
    if (pulled.status === 'rejected') throw pulled.reason;
    if (pulled.value !== undefined) return { ok: false, refusal: pulled.value };
    if (made.status === 'rejected') throw made.reason;
    this.#prepared = true;
    return { ok: true };
  }

  async evidence(environment: EnvironmentRef, instances?: readonly string[]): Promise<readonly InstanceEvidence[]> {
    return await onTarget(() => evidence(this.#settings, this.#files(environment), this.#prober, environment, instances));
  }

  async environments(signal?: AbortSignal): Promise<readonly EnvironmentRef[]> {
    const { engine, installation } = this.#settings;
    const filter = { labels: { [label.installation]: installation } };
    const call = signal === undefined ? {} : { signal };
    const found = await onTarget(async () => [
      ...(await engine.containers.list(filter, call)),
      ...(await engine.networks.list(filter, call)),
    ]);
    const byName = new Map(
      found.map(({ labels }) => [[labels[label.namespace], labels[label.project], labels[label.environment]].join('/'), refOf(labels)]),
    );
    return [...byName.values()];
  }

  async ping(signal?: AbortSignal): Promise<void> {
    await onTarget(() => this.#settings.engine.ping(signal === undefined ? {} : { signal }));
  }

  #files(environment: EnvironmentRef): EnvironmentFiles {
    return new EnvironmentFiles(this.#settings.dataDir, environment);
  }
}

function refOf(labels: ContainerInfo['labels']): EnvironmentRef {
  return {
    project: labels[label.project] ?? '',
    environment: labels[label.environment] ?? '',
    namespace: labels[label.namespace] ?? defaultNamespace,
  };
}

/** Scaling needs no value that is not in its file already. */
function onDisk({ name, version }: { name: string; version: string }) {
  return {
    name,
    version,
    read(): Promise<Uint8Array> {
      return Promise.reject(new TargetUnavailable('target', `the file of secret ${name} is gone: apply the deployment again`));
    },
  };
}
