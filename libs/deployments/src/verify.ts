import type { CheckResult, VerifyStep } from '@slipway/contracts';
import type { EnvironmentRef, Orchestrator, SecretBinding } from '@slipway/orchestrators';

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
  readonly limits?: { readonly cpus?: number; readonly memoryBytes?: number };
}

/** All checks in order; `passed` only when every one did. `errored` is ours and worth another try; it outweighs `failed`. */
export interface VerificationResult {
  readonly outcome: 'passed' | 'failed' | 'errored';
  readonly evidence: CheckResult[];
  readonly seconds: number;
}
