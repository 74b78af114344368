import { parseAddress } from './address.js';
import { type BuildRequest, buildImage } from './build.js';
import { Containers } from './containers.js';
import { type EventFilter, engineEvents } from './events.js';
import { Images, type TransferOptions } from './images.js';
import { Networks } from './networks.js';
import { Transport } from './transport.js';
import type { CallOptions, EngineInfo, EngineNews, TlsOptions } from './types.js';
import { Volumes } from './volumes.js';

/** How long a call waits for its answer unless it says otherwise. */
const defaultTimeoutMs = 30_000;

interface RawInfo {
  ID?: string;
  Name: string;
  ServerVersion: string;
  OSType: string;
  Architecture: string;
  NCPU: number;
  MemTotal: number;
  Swarm?: { LocalNodeState?: EngineInfo['swarm'] };
  RegistryConfig?: { InsecureRegistryCIDRs?: string[]; IndexConfigs?: Record<string, { Secure?: boolean }> };
}

/**
 * One Docker Engine. Every call has a time limit and takes an `AbortSignal`; every error is one of `errors.ts`. Nothing is connected until
 * the first call, and nothing is kept open between calls, so there is nothing to close.
 */
export class DockerEngine {
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;

  private constructor(private readonly transport: Transport) {
    this.containers = new Containers(transport);
    this.images = new Images(transport);
    this.networks = new Networks(transport);
    this.volumes = new Volumes(transport);
  }

  /**
   * An engine by its address: `unix:///path`, `/path`, `tcp://host:port`, `https://host:port`; absent: the default socket. `timeoutMs` limits
   * each call that does not bring a limit of its own (default 30 s). Throws `Refused` for an address it can't read.
   */
  static connect(host: string | undefined, tls?: TlsOptions, options: { timeoutMs?: number } = {}): DockerEngine {
    return new DockerEngine(new Transport(parseAddress(host, tls), options.timeoutMs ?? defaultTimeoutMs));
  }

  /** Whether it answers at all; throws `Unavailable` when not. */
  async ping(options: CallOptions = {}): Promise<void> {
    await this.transport.json({ timeoutMs: 5_000, ...options, what: 'ping', method: 'GET', path: '/_ping' });
  }

  /** What kind of engine and host it is. */
  async info(options: CallOptions = {}): Promise<EngineInfo> {
    const raw = await this.transport.json<RawInfo>({ ...options, what: 'ask for info', method: 'GET', path: '/info' });
    const { apiVersion } = await this.version(options);
    const insecure = Object.entries(raw.RegistryConfig?.IndexConfigs ?? {}).filter(([, config]) => config.Secure === false);
    return {
      id: raw.ID ?? '',
      name: raw.Name,
      serverVersion: raw.ServerVersion,
      apiVersion,
      os: raw.OSType,
      architecture: raw.Architecture,
      cpus: raw.NCPU,
      memoryBytes: raw.MemTotal,
      swarm: raw.Swarm?.LocalNodeState ?? 'inactive',
      insecureRegistries: [...insecure.map(([name]) => name), ...(raw.RegistryConfig?.InsecureRegistryCIDRs ?? [])],
    };
  }

  /** Versions of the engine and of its interface. */
  async version(options: CallOptions = {}): Promise<{ version: string; apiVersion: string }> {
    const raw = await this.transport.json<{ Version: string; ApiVersion: string }>({
      ...options,
      what: 'ask for the version',
      method: 'GET',
      path: '/version',
    });
    return { version: raw.Version, apiVersion: raw.ApiVersion };
  }

  /** Builds an image from a context stream; see `buildImage`. */
  async buildImage(request: BuildRequest): Promise<{ imageId: string }> {
    return await buildImage(this.transport, request);
  }

  /** Pushes `reference` (`repository:tag`); see `Images.push`. */
  async push(request: TransferOptions & { reference: string }): Promise<{ digest: string }> {
    return await this.images.push(request.reference, request);
  }

  /** Pulls `repository@sha256:…`; see `Images.pull`. */
  async pull(reference: string, options: TransferOptions = {}): Promise<void> {
    await this.images.pull(reference, options);
  }

  /** What happens at the engine until `signal` ends it; reconnects by itself. See `engineEvents`. */
  events(signal: AbortSignal, filter: EventFilter = {}): AsyncGenerator<EngineNews> {
    return engineEvents(this.transport, filter, signal);
  }
}
