import type { EnvironmentRef } from './deployment.js';

/** The answer to one health probe, kept as evidence. */
export interface Probe {
  readonly ok: boolean;
  /** HTTP status, when one was answered. */
  readonly status?: number;
  /** Why it failed, in words for a person. */
  readonly error?: string;
  readonly tookMs: number;
}

/** `starting`: runs, was never healthy yet. `waiting`: made but not running (created, restarting). `stopped`: ended. */
export type InstanceState = 'waiting' | 'starting' | 'healthy' | 'unhealthy' | 'stopped';

/** One instance of the application as the target shows it. */
export interface Instance {
  readonly name: string;
  readonly id: string;
  readonly state: InstanceState;
  readonly healthy: boolean;
  /** How long it has answered well without a break, as far as this process saw it; 0 when it does not. */
  readonly healthyForMs: number;
  /** How long ago it was started; 0 when it does not run. */
  readonly runningForMs: number;
  /** Failed probes since the last good one. */
  readonly failures: number;
  readonly probe?: Probe;
  /** Where a probe reaches it: `host:port`. */
  readonly address?: string;
  readonly digest: string;
  readonly release: string;
  readonly attempt: number;
  readonly configHash: string;
  /** Gets traffic from the stable address. */
  readonly inService: boolean;
  /** How often it was started again after it ended by itself. */
  readonly restarts: number;
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
}

/** What differs from what was last applied, without anyone having asked for it. */
export interface Drift {
  readonly kind: 'missing' | 'stopped' | 'digest' | 'configuration' | 'unknown-instance' | 'proxy';
  readonly instance?: string;
  /** For a person: what was expected and what is there. */
  readonly detail: string;
}

/** What an environment runs right now. Everything in it was read from the target, nothing remembered from an order. */
export interface Observed {
  readonly environment: EnvironmentRef;
  /** False when the target holds nothing for this environment. */
  readonly exists: boolean;
  /** The one digest that all instances in service run; absent while they differ or there is none. */
  readonly digest?: string;
  /** The release last applied whole; absent while instances differ. */
  readonly release?: string;
  readonly configHash?: string;
  readonly instances: readonly Instance[];
  readonly wanted: number;
  /** Instances that are healthy and in service. */
  readonly ready: number;
  /** The stable address, kept over releases: `http://host:port`. */
  readonly address?: string;
  /** The target's own version of this environment: changes whenever what runs changes. Compare for equality only. */
  readonly version: string;
  readonly drift: readonly Drift[];
}

/** A "no" of the target that trying again will not change. */
export interface Refusal {
  readonly kind: 'image-not-found' | 'image-unauthorised' | 'image-mismatch' | 'not-ours' | 'port-taken' | 'invalid' | 'no-space';
  readonly reason: string;
}

/** What `apply` says: what it sees, and whether there is more to do. */
export type Applied = Observed &
  (
    | { readonly progress: 'converged' }
    | { readonly progress: 'moving' /** For a person. */; readonly waitingFor: string }
    | { readonly progress: 'refused'; readonly refusal: Refusal }
  );

/** What is known about an instance that does not do well; goes into a verdict. */
export interface InstanceEvidence {
  readonly instance: string;
  readonly state: InstanceState;
  readonly probes: readonly Probe[];
  /** The last lines it wrote, oldest first, bounded. */
  readonly log: readonly string[];
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
  readonly restarts: number;
}
