import { isDeepStrictEqual } from 'node:util';
import type { RolloutOrder, VerdictWithEvidence } from '@slipway/deployments';
import type { Deployment, EnvironmentRef, Orchestrator } from '@slipway/orchestrators';
import type { Whereabouts } from './placing.js';

/** Where an environment is looked at. */
export interface Stands {
  readonly orchestrator: Orchestrator;
  readonly environment: EnvironmentRef;
}

/** What ran well before a rollout, and where it was signed for. */
export interface Before {
  readonly deployment: Deployment;
  readonly at: Whereabouts | { readonly waitsFor: string };
  /** It runs there now; else it ran there once. */
  readonly isRunning: boolean;
}

/** What `rollOut` is told of it. */
export type GoingBack = Pick<RolloutOrder, 'lastGood' | 'lastGoodAt'>;

/**
 * How a rollout goes back when it fails: to what ran before, at the place that was signed for. Undefined where that place is not known, or
 * its target is gone: nothing may be brought anywhere else. `isBegun`: it has acted already, and what it met is remembered.
 */
export async function goingBack(before: Before, goal: Deployment, orchestrator: Orchestrator, isBegun: boolean, signal: AbortSignal) {
  const { deployment: lastGood, at, isRunning } = before;
  if ('waitsFor' in at) return undefined;
  const isSamePlace = at.orchestrator === orchestrator && isDeepStrictEqual(lastGood.environment, goal.environment);
  if (isSamePlace) return { lastGood };
  const elsewhere = !isBegun && isRunning && (await isFreeFor(goal, orchestrator, signal));
  return { lastGood, lastGoodAt: { orchestrator: at.orchestrator, elsewhere } };
}

/** Where the environment is after a verdict. */
export function standsAfter(verdict: VerdictWithEvidence, goal: Stands, { lastGood, lastGoodAt }: GoingBack = {}): Stands {
  if (verdict.outcome === 'succeeded' || verdict.after.now !== 'restored' || !lastGood) return goal;
  return { orchestrator: (lastGoodAt ?? goal).orchestrator, environment: lastGood.environment };
}

/** Two files may name one machine: it is another place only where nothing of the environment runs but what this very rollout made. */
async function isFreeFor({ environment, release, attempt }: Deployment, orchestrator: Orchestrator, signal: AbortSignal): Promise<boolean> {
  const { instances } = await orchestrator.observe(environment, signal);
  return instances.every((instance) => instance.release === release && instance.attempt === attempt);
}
