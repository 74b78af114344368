import type { CheckResult, Reason } from '@slipway/contracts';
import type { InstanceEvidence } from '@slipway/orchestrators';
import type { Failure, VerdictWithEvidence } from './verdict.js';

/** Evidence of a verdict as events carry it: one entry an instance, the last probe as its message, the last lines as its output. */
export function evidenceOf(verdict: Pick<VerdictWithEvidence, 'evidence'>): CheckResult[] {
  return verdict.evidence.slice(0, 50).map((one) => ({
    check: `instance ${one.instance}`.slice(0, 400),
    outcome: one.state === 'healthy' ? 'passed' : 'failed',
    message: describe(one).slice(0, 4000),
    seconds: (one.probes.at(-1)?.tookMs ?? 0) / 1000,
    output: one.log.slice(-100).map((line) => line.slice(0, 2000)),
  }));
}

/** A failure as events carry it. */
export function reasonOf(failure: Failure): Reason {
  return { code: failure.code, message: failure.message.slice(0, 4000) };
}

function describe(one: InstanceEvidence): string {
  const words: string[] = [one.state];
  if (one.outOfMemory) words.push('ran out of memory');
  if (one.exitCode !== undefined) words.push(`exit code ${one.exitCode}`);
  if (one.restarts > 0) words.push(`started again ${one.restarts} times`);
  const probe = one.probes.at(-1);
  if (probe !== undefined)
    words.push(probe.ok ? `last probe: ${probe.status ?? 'connected'}` : `last probe: ${probe.error ?? probe.status ?? 'no answer'}`);
  return words.join(', ');
}
