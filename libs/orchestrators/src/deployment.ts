/**
 * What is to run: the part of a resolved deployment that a target needs, with every duration in milliseconds and every size in
 * bytes. Who deploys makes it once from the resolved deployment (`deploymentOf` of libs/deployments) and never resolves again.
 */

/** One environment of one project on one target. `namespace` keeps installations that share a target apart. */
export interface EnvironmentRef {
  readonly project: string;
  readonly environment: string;
  readonly namespace?: string;
}

/** When an instance counts as healthy: an HTTP GET of `http` on the application's port that answers 200 to 399. */
export interface HealthCheck {
  /** Path, beginning with a slash. */
  readonly http: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** How long after its start an instance may fail its probes without being called unhealthy. */
  readonly graceMs: number;
}

/** What the application needs to run: design part 5, `app`. */
export interface AppSettings {
  /** The port the application listens on inside its container. */
  readonly port: number;
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Replaces the image's command when given. */
  readonly command?: readonly string[];
  /** How long a replaced instance may finish what it began before it is stopped. */
  readonly drainMs: number;
  /** How long an instance must stay healthy before it is believed. */
  readonly stableMs: number;
  /** Without it an instance is healthy when its port takes a connection. */
  readonly health?: HealthCheck;
  /** The stable port on the target; chosen from the target's range and then kept when absent. */
  readonly stablePort?: number;
}

/**
 * A secret by late binding: the deployment names a version, the value is read where it is used and goes into a file under
 * `/run/secrets/<name>` only, never into an environment variable, a label or an argument.
 */
export interface SecretBinding {
  readonly name: string;
  /** Keyed hash of the value; bound by the sign-off and part of the configuration hash. */
  readonly version: string;
  read(): Promise<Uint8Array>;
}

/** How many instances may be added above, or be missing below, the wanted number while an environment changes over. */
export interface RollingStrategy {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** One release in one environment, whole: what `Orchestrator.apply` converges on. */
export interface Deployment {
  readonly environment: EnvironmentRef;
  /** Release id. */
  readonly release: string;
  /** Counts up with every try to put this release here; part of the names of what is made. */
  readonly attempt: number;
  /** `sha256:…` of the image. */
  readonly digest: string;
  /** `repository@digest`; a tag is refused. */
  readonly image: string;
  readonly instances: number;
  readonly app: AppSettings;
  readonly secrets?: readonly SecretBinding[];
  /** Default: one more, none fewer. */
  readonly strategy?: RollingStrategy;
}
