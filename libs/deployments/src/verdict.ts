import type { InstanceEvidence, Refusal } from '@slipway/orchestrators';

/** Why a deployment failed: a code for programs, translations and metrics. */
export type FailureCode = 'never-healthy' | 'crashed' | 'no-progress' | 'wrong-digest' | 'aborted' | `refused-${Refusal['kind']}`;

/** It said no. What was seen goes with it, so that nobody has to look for it on the target. */
export interface Failure {
  readonly code: FailureCode;
  /** One sentence for a person. */
  readonly message: string;
  /** Names of the instances it is about. */
  readonly instances: readonly string[];
}

/** What became of the environment after a failure. */
export type AfterFailure =
  | { readonly now: 'restored'; readonly release: string; readonly digest: string }
  | { readonly now: 'removed' }
  | { readonly now: 'held'; readonly reason: string }
  | { readonly now: 'not-restored'; readonly release: string; readonly reason: string };

/** How a rollout ended. Nothing is done on its behalf after this. */
export type Verdict =
  | {
      readonly outcome: 'succeeded';
      readonly release: string;
      readonly digest: string;
      readonly instances: number;
      readonly address?: string;
      /** The target's own version. */
      readonly version: string;
      /** Counted time it took, in milliseconds. */
      readonly tookMs: number;
    }
  | {
      readonly outcome: 'failed';
      readonly release: string;
      readonly digest: string;
      readonly failure: Failure;
      readonly after: AfterFailure;
      readonly tookMs: number;
    };

/** A verdict with what the runner gathered from the target at the moment of failure. */
export type VerdictWithEvidence = Verdict & { readonly evidence: readonly InstanceEvidence[] };
