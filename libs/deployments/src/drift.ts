import type { Deployment, Observed } from '@slipway/orchestrators';

/**
 * How what runs differs from the deployment that was approved for it, in sentences for people; empty when it does not. Whoever heals
 * compares with the approved deployment and not with what the target was last told, so that a forged order shows too.
 */
export function driftFrom(approved: Deployment, observed: Observed): string[] {
  const found = observed.instances
    .filter((one) => one.digest !== approved.digest)
    .map((one) => `${one.name} runs ${one.digest}, approved is ${approved.digest}`);
  if (observed.wanted !== approved.instances && observed.exists)
    found.push(`the target was told to run ${observed.wanted} instances, approved are ${approved.instances}`);
  if (!observed.exists && approved.instances > 0) found.push('nothing runs there any more');
  const told = observed.drift
    .filter((one) => one.kind !== 'digest')
    .map((one) => (one.instance === undefined ? one.detail : `${one.instance}: ${one.detail}`));
  return [...found, ...told];
}
