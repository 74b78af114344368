import type { CheckResult, VerifyStep } from '@slipway/contracts';
import { TargetUnavailable } from '@slipway/orchestrators';
import { checkHttp } from './check-http.js';
import { checkRun, nameOfRun } from './check-run.js';
import type { JUnitSummary } from './junit.js';
import type { Checked, Verification, VerificationResult, VerifyContext } from './verification.js';

/**
 * Runs every check in order, also after one has failed: its author wants to see all of it. No checks means passed. Throws the
 * signal's reason when it is aborted.
 */
export async function verify(verification: Verification, context: VerifyContext): Promise<VerificationResult> {
  const began = performance.now();
  const evidence: CheckResult[] = [];
  const reports: Record<string, JUnitSummary> = {};
  let away: string | undefined;
  for (const [index, step] of verification.steps.entries()) {
    context.signal.throwIfAborted();
    const { result, junit, absent } = await one(step, index, verification, context);
    evidence.push(result);
    away ??= absent;
    if (junit !== undefined) reports[result.check] = junit;
    context.onCheck?.(result);
  }
  const some = (outcome: CheckResult['outcome']) => evidence.some((result) => result.outcome === outcome);
  return {
    ...(away !== undefined && { away }),
    outcome: some('failed') ? 'failed' : some('errored') ? 'errored' : 'passed',
    evidence,
    reports,
    seconds: (performance.now() - began) / 1000,
  };
}

async function one(step: VerifyStep, index: number, verification: Verification, context: VerifyContext): Promise<Checked> {
  if ('http' in step) return { result: await checkHttp(step, verification.address, context.signal) };
  const began = performance.now();
  try {
    return await checkRun(step, index, verification, context);
  } catch (error) {
    if (!(error instanceof TargetUnavailable)) throw error;
    const message = `could not be run: ${error.part} does not answer: ${error.message}`.slice(0, 4000);
    const seconds = (performance.now() - began) / 1000;
    return { result: { check: nameOfRun(step.run), outcome: 'errored', message, seconds, output: [] }, absent: error.part };
  }
}
