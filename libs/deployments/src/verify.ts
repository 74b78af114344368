import type { CheckResult, VerifyStep } from '@slipway/contracts';
import { type EnvironmentRef, type Orchestrator, type SecretBinding, TargetUnavailable } from '@slipway/orchestrators';
import { checkHttp } from './check-http.js';
import { checkRun } from './check-run.js';
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
}

/** What one check gives: its evidence, and the test report if it left one. */
export interface Checked {
  readonly result: CheckResult;
  readonly junit?: JUnitSummary;
}

/** `passed` when every check did. `errored` is ours and worth another try; `failed` is a no of the release, and outweighs it. */
export interface VerificationResult {
  readonly outcome: 'passed' | 'failed' | 'errored';
  readonly evidence: CheckResult[];
  /** Test reports by check. */
  readonly reports: Readonly<Record<string, JUnitSummary>>;
  readonly seconds: number;
}

/**
 * Runs every check in order, also after one has failed: its author wants to see all of it. No checks means passed. Throws the
 * signal's reason when it is aborted.
 */
export async function verify(verification: Verification, context: VerifyContext): Promise<VerificationResult> {
  const began = performance.now();
  const evidence: CheckResult[] = [];
  const reports: Record<string, JUnitSummary> = {};
  for (const [index, step] of verification.steps.entries()) {
    context.signal.throwIfAborted();
    const { result, junit } = await one(step, index, verification, context);
    evidence.push(result);
    if (junit !== undefined) reports[result.check] = junit;
    context.onCheck?.(result);
  }
  const some = (outcome: CheckResult['outcome']) => evidence.some((result) => result.outcome === outcome);
  return { outcome: some('failed') ? 'failed' : some('errored') ? 'errored' : 'passed', evidence, reports, seconds: (performance.now() - began) / 1000 };
}

async function one(step: VerifyStep, index: number, verification: Verification, context: VerifyContext): Promise<Checked> {
  if ('http' in step) return { result: await checkHttp(step, verification.address, context.signal) };
  const began = performance.now();
  try {
    return await checkRun(step, index, verification, context);
  } catch (error) {
    if (!(error instanceof TargetUnavailable)) throw error;
    const message = `could not be run: ${error.part} does not answer: ${error.message}`.slice(0, 4000);
    return { result: { check: nameOfRun(step.run), outcome: 'errored', message, seconds: (performance.now() - began) / 1000, output: [] } };
  }
}

/** How evidence calls a `run` step. */
export function nameOfRun(command: readonly string[]): string {
  return `run ${command.join(' ')}`.slice(0, 400);
}
