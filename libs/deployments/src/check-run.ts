import { type CheckResult, inSeconds, type VerifyStep } from '@slipway/contracts';
import type { OneShotResult } from '@slipway/orchestrators';
import { type JUnitSummary, readJUnit } from './junit.js';
import type { Checked, Verification, VerifyContext } from './verification.js';

type RunStep = Extract<VerifyStep, { run: string[] }>;

/** A command in a throw-away container beside the environment: passed when it ends with 0 and its test report, if any, has no failure. */
export async function checkRun(step: RunStep, index: number, verification: Verification, context: VerifyContext): Promise<Checked> {
  const check = nameOfRun(step.run);
  const { environment, release, attempt, env, secrets, limits } = verification;
  const ended = await context.orchestrator.runOnce({
    environment,
    release,
    name: `verify-${attempt}-${index + 1}`,
    image: step.image ?? verification.image,
    command: step.run,
    ...(env && { env }),
    ...(secrets && { secrets }),
    limits: { ...limits, timeMs: inSeconds(step.timeout) * 1000 },
    ...(step.junit !== undefined && { files: [step.junit] }),
    signal: context.signal,
    onLog: (chunk) => context.onLog?.(check, chunk),
  });
  const report = step.junit === undefined ? undefined : ended.files[step.junit];
  if (report !== undefined) context.onReport?.(check, report);
  const junit = report && readJUnit(new TextDecoder().decode(report));
  const { outcome, message } = judge(step, ended, junit);
  const output = ended.log.slice(-100).map((line) => line.slice(0, 2000));
  return { result: { check, outcome, message: message.slice(0, 4000), seconds: ended.tookMs / 1000, output }, ...(junit && { junit }) };
}

function judge(step: RunStep, ended: OneShotResult, junit: JUnitSummary | undefined): Pick<CheckResult, 'outcome' | 'message'> {
  if (ended.refused !== undefined) return { outcome: 'failed', message: `could not be started: ${ended.refused}` };
  if (ended.timedOut) return { outcome: 'failed', message: `did not end within ${step.timeout}` };
  if (ended.outOfMemory) return { outcome: 'failed', message: 'ran out of memory' };
  const failing = junit?.failing.length ? `; ${junit.failures} of ${junit.tests} tests failed: ${junit.failing.join(', ')}` : '';
  if (ended.exitCode !== 0) return { outcome: 'failed', message: `ended with exit code ${ended.exitCode}${failing}` };
  if (junit !== undefined && junit.failures > 0) return { outcome: 'failed', message: `ended with exit code 0${failing}` };
  if (step.junit !== undefined && junit === undefined)
    return { outcome: 'failed', message: `ended with exit code 0 and left no test report at ${step.junit}` };
  return { outcome: 'passed', message: junit === undefined ? 'ended with exit code 0' : `${junit.tests} tests passed` };
}

/** How evidence calls a `run` step. */
export function nameOfRun(command: readonly string[]): string {
  return `run ${command.join(' ')}`.slice(0, 400);
}
