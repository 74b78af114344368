import type { Capabilities } from './capabilities.js';
import type { Deployment, EnvironmentRef, SecretBinding } from './deployment.js';
import type { Applied, InstanceEvidence, Observed, Refusal } from './observed.js';

/** Something `apply` did or saw, for logs and live progress. */
export interface Progress {
  readonly step: 'pull' | 'network' | 'proxy' | 'start' | 'join' | 'drain' | 'stop' | 'remove' | 'adopt';
  readonly instance?: string;
  readonly detail: string;
}

/** Who acts, and how long. */
export interface ActContext {
  /** Aborted on lost lease, shutdown, cancel or time limit: no further effect is begun afterwards. */
  readonly signal: AbortSignal;
  /** Fencing token of the operation that acts: written with what this call makes, never where that would restart anything. */
  readonly epoch: number;
  readonly onProgress?: (progress: Progress) => void;
}

/** A throw-away container on the environment's network: `verify`, `before` and `after` of design part 5. */
export interface OneShot {
  readonly environment: EnvironmentRef;
  /** Unique within the environment and attempt, e.g. `verify-2`; a container of that name left by a crash is removed first. */
  readonly name: string;
  readonly release: string;
  /** `repository@digest`. */
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: readonly SecretBinding[];
  readonly limits: { readonly timeMs: number; readonly cpus?: number; readonly memoryBytes?: number; readonly logBytes?: number };
  /** Absolute paths inside the container, read after it ended; those that do not exist are left out. 1 MiB each at most. */
  readonly files?: readonly string[];
  readonly signal: AbortSignal;
  readonly onLog?: (chunk: string) => void;
}

/** How a one-shot container ended. `exitCode` is absent when it was stopped for its time limit. */
export interface OneShotResult {
  readonly exitCode?: number;
  readonly timedOut: boolean;
  readonly outOfMemory: boolean;
  readonly tookMs: number;
  /** The last lines of its output, oldest first. */
  readonly log: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Set when it could not even be started, e.g. the image or the command is not there. */
  readonly refused?: string;
}

/**
 * A place that runs containers. One folder a driver; `orchestrator.contract.ts` tells when a driver is done.
 *
 * Every method throws `TargetUnavailable` when the target (or the registry behind it) did not answer; time spent so counts
 * against nobody. A "no" that will stay is a value (`Refusal`), never an exception.
 */
export interface Orchestrator {
  readonly capabilities: Capabilities;
  /**
   * Takes the environment as far towards the deployment as can be done without waiting for the application, and says what is there
   * now. Idempotent; looks first and adopts what it finds; never restarts what already matches (digest and configuration hash);
   * refuses what carries the same name but not our labels. Call it again until `progress` is no longer `moving`; between two
   * calls at most one new instance beyond the wanted number was started and nothing healthy was taken away before its
   * replacement served.
   */
  apply(deployment: Deployment, context: ActContext): Promise<Applied>;
  /** Reads what runs, with one fresh probe of every instance. Changes nothing. */
  observe(environment: EnvironmentRef, signal?: AbortSignal): Promise<Observed>;
  /** Yields what runs at once and then whenever the target says that something changed; ends with the signal. */
  watch(environment: EnvironmentRef, signal: AbortSignal): AsyncIterable<Observed>;
  /** Changes the number of instances of what was last applied, in the same way as `apply`; call again while `moving`. */
  scale(environment: EnvironmentRef, instances: number, context: ActContext): Promise<Applied>;
  /** Takes everything away that this environment has on the target. True when nothing is left (also when nothing was there). */
  remove(environment: EnvironmentRef, context: ActContext): Promise<boolean>;
  /** Runs a container to its end and takes it away. */
  runOnce(shot: OneShot): Promise<OneShotResult>;
  /** Whether the image can be had now: pre-flight of a rollout and of a rollback. */
  available(image: string, signal?: AbortSignal): Promise<{ readonly ok: true } | { readonly ok: false; readonly refusal: Refusal }>;
  /** What is known about the instances that do not do well (all, when `instances` is absent), for a verdict. */
  evidence(environment: EnvironmentRef, instances?: readonly string[]): Promise<readonly InstanceEvidence[]>;
  /** Every environment that carries this installation's labels, for the sweep of what nobody owns any more. */
  environments(signal?: AbortSignal): Promise<readonly EnvironmentRef[]>;
  /** Throws `TargetUnavailable` unless the target answers. */
  ping(signal?: AbortSignal): Promise<void>;
}

/** The target, or a part it needs, did not answer; nothing is known about what was asked. */
export class TargetUnavailable extends Error {
  override readonly name = 'TargetUnavailable';
  /** Which part is away. */
  readonly part: 'target' | 'registry';

  constructor(part: 'target' | 'registry', message: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }

  /** Nothing of what was asked is under way any more: as its cause says; where it has none it is what we make of answers. */
  get isOver(): boolean {
    const { cause } = this;
    return cause === undefined || (cause instanceof Error && 'isOver' in cause && cause.isOver === true);
  }
}
