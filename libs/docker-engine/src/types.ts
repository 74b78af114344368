/** What every call takes: `signal` ends it at once, `timeoutMs` overrides the engine's own limit for this call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Client certificate for an engine behind TLS; PEM text or bytes. */
export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/** Labels as Docker keeps them: plain strings both ways. */
export type Labels = Readonly<Record<string, string>>;

/** Credentials for one registry; they travel in a header of that one call and are never stored by the engine. */
export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  /** The registry they belong to, as in an image name (`registry:5000`). */
  readonly serverAddress: string;
}

export interface PortBinding {
  readonly container: number;
  readonly protocol?: 'tcp' | 'udp';
  /** Port on the host; absent or 0: one is chosen by the kernel. */
  readonly host?: number;
  /** Address on the host to listen on; absent: all of them. */
  readonly hostAddress?: string;
}

export interface MountSpec {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  /** Volume name or host path; none for tmpfs. */
  readonly source?: string;
  readonly target: string;
  readonly readOnly?: boolean;
}

export interface Limits {
  readonly memoryBytes?: number;
  /** Cores, fractions allowed (`0.5`). */
  readonly cpus?: number;
  readonly pids?: number;
}

export type RestartPolicy = 'no' | 'always' | 'unless-stopped' | { readonly onFailure: number };

/** Docker's own health check of a container; `['NONE']` switches the image's off. */
export interface HealthSpec {
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly retries?: number;
}

export interface NetworkAttachment {
  /** Network name or id. */
  readonly network: string;
  readonly aliases?: readonly string[];
  readonly address?: string;
}

/** A container to make. Nothing here is guessed: what is absent is Docker's own default. */
export interface ContainerSpec {
  readonly name?: string;
  /** Image to run; by digest (`repository@sha256:…`) wherever it matters what runs. */
  readonly image: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Labels;
  readonly user?: string;
  readonly workingDir?: string;
  readonly hostname?: string;
  /** The first is joined when the container is made, the others before `create` returns. */
  readonly networks?: readonly NetworkAttachment[];
  /** `none`, `host`, `bridge` or `container:<id>`; not together with `networks`. */
  readonly networkMode?: string;
  readonly ports?: readonly PortBinding[];
  readonly mounts?: readonly MountSpec[];
  /** Extra lines for /etc/hosts, `name:address`. */
  readonly extraHosts?: readonly string[];
  readonly limits?: Limits;
  readonly restart?: RestartPolicy;
  readonly health?: HealthSpec;
  readonly stopSignal?: string;
  readonly stopGraceSeconds?: number;
  readonly readOnlyRoot?: boolean;
  readonly capDrop?: readonly string[];
  readonly capAdd?: readonly string[];
  readonly securityOptions?: readonly string[];
  /** An init process that reaps children and forwards signals. */
  readonly init?: boolean;
  /** Log driver and its options; absent: the daemon's default. */
  readonly logging?: { readonly driver: string; readonly options?: Readonly<Record<string, string>> };
  readonly sysctls?: Readonly<Record<string, string>>;
}

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface AttachedNetwork {
  readonly name: string;
  readonly id: string;
  /** IPv4 address inside that network; empty while the container does not run. */
  readonly address: string;
  /** The one it was made with, and keeps over every start; empty where Docker gives it one at each start. */
  readonly fixedAddress: string;
  readonly aliases: readonly string[];
}

export interface PublishedPort {
  readonly container: number;
  readonly protocol: string;
  readonly hostAddress: string;
  readonly host: number;
}

/** What `inspect` says of a container. Times are RFC 3339, `undefined` where it has not happened. */
export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  /** The image as it was asked for (`repository@sha256:…`). */
  readonly image: string;
  /** Id of the image's configuration on this host (`sha256:…`), not the registry's digest. */
  readonly imageId: string;
  readonly labels: Labels;
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly createdAt: string;
  readonly status: ContainerStatus;
  readonly running: boolean;
  readonly exitCode: number;
  readonly error: string;
  readonly oomKilled: boolean;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  /** Docker's own health check; `none` when the container has none. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly restartCount: number;
  readonly restart: RestartPolicy;
  readonly networkMode: string;
  readonly networks: readonly AttachedNetwork[];
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly { readonly type: string; readonly source: string; readonly target: string; readonly readOnly: boolean }[];
  readonly limits: { readonly memoryBytes: number; readonly cpus: number; readonly pids: number };
}

/** One line of `list`: less than inspect, one call for all. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Labels;
  readonly status: ContainerStatus;
  /** Docker's own words (`Up 3 seconds (healthy)`). */
  readonly detail: string;
  readonly createdAt: string;
  readonly networks: readonly AttachedNetwork[];
  readonly ports: readonly PublishedPort[];
}

/** A label filter: exact value, or `true` for "has this label". */
export type LabelFilter = Readonly<Record<string, string | true>>;

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  /** RFC 3339, to the nanosecond. */
  readonly created: string;
  readonly driver: string;
  readonly labels: Labels;
  readonly internal: boolean;
  readonly subnets: readonly string[];
  /** Ids of the containers attached and running. */
  readonly containers: readonly string[];
}

export interface VolumeInfo {
  readonly name: string;
  readonly driver: string;
  readonly labels: Labels;
  readonly createdAt: string | undefined;
}

export interface ImageInfo {
  /** Id of the image's configuration on this host. */
  readonly id: string;
  readonly tags: readonly string[];
  /** `repository@sha256:…`, one for each registry it was pushed to or pulled from. */
  readonly repositoryDigests: readonly string[];
  readonly labels: Labels;
  readonly createdAt: string;
  readonly sizeBytes: number;
  readonly architecture: string;
  readonly os: string;
  readonly exposedPorts: readonly string[];
}

/** One thing that happened at the engine. `at` is milliseconds since 1970 by the engine's clock. */
export interface EngineEvent {
  readonly type: 'container' | 'image' | 'network' | 'volume' | 'daemon' | string;
  /** `start`, `die`, `health_status: healthy`, `destroy`, … */
  readonly action: string;
  readonly id: string;
  /** Labels and what else the engine adds (`name`, `exitCode`, `image`). */
  readonly attributes: Readonly<Record<string, string>>;
  readonly at: number;
}

/** `connected` comes first and again after every reconnect: list anew then, events may be missing in between. */
export type EngineNews = { readonly kind: 'connected' } | { readonly kind: 'event'; readonly event: EngineEvent };

/** A piece of what a container wrote. */
export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

export interface ExecResult {
  readonly exitCode: number;
  /** Standard output and error, each cut after `maxOutputBytes`. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

export interface EngineInfo {
  readonly id: string;
  readonly name: string;
  readonly serverVersion: string;
  readonly apiVersion: string;
  readonly os: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swarm: 'inactive' | 'pending' | 'active' | 'error' | 'locked';
  readonly insecureRegistries: readonly string[];
}
