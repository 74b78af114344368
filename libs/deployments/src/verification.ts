import type { CheckResult, VerifyStep } from '@slipway/contracts';
import type { EnvironmentRef, Orchestrator, SecretBinding } from '@slipway/orchestrators';
import type { JUnitSummary } from './junit.js';

/** What is to be verified: the checks of the project file against an environment that is up. */
export interface Verification {
  readonly steps: readonly VerifyStep[];
  readonly environment: EnvironmentRef;
  readonly release: string;
  readonly attempt: number;
  /** Image of the release, `repository@digest`: `run` steps use it unless they name another. */
  readonly image: string;
  /** The stable address of the environment, `http://host:port`. */
  readonly address: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: readonly SecretBinding[];
  /** For `run` steps. */
  readonly limits?: { readonly cpus?: number; readonly memoryBytes?: number };
}

/** With what and how long. */
export interface VerifyContext {
  readonly orchestrator: Orchestrator;
  readonly signal: AbortSignal;
  /** Output of `run` steps as it comes. */
  readonly onLog?: (check: string, chunk: string) => void;
  /** Each check as soon as it is over. */
  readonly onCheck?: (result: CheckResult) => void;
  /** The test report a `run` step left, as it was found. */
  readonly onReport?: (check: string, file: Uint8Array) => void;
}

/** What one check gives: its evidence, and the test report if it left one. */
export interface Checked {
  readonly result: CheckResult;
  /** The part without which it could not be run. */
  readonly absent?: string;
  readonly junit?: JUnitSummary;
}

/** `passed` when every check did. `errored` is ours and worth another try; `failed` is a no of the release, and outweighs it. */
export interface VerificationResult {
  readonly outcome: 'passed' | 'failed' | 'errored';
  readonly evidence: CheckResult[];
  /** The part without which a check could not be run. */
  readonly away?: string;
  /** Test reports by check. */
  readonly reports: Readonly<Record<string, JUnitSummary>>;
  readonly seconds: number;
}
