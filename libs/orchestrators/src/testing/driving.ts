import { eventually } from '@slipway/testkit';
import type { Deployment } from '../deployment.js';
import type { Applied } from '../observed.js';
import type { ActContext, Orchestrator } from '../port.js';

/** A context that allows everything for a minute. */
export function acting(signal: AbortSignal = AbortSignal.timeout(60_000)): ActContext {
  return { signal, epoch: 1 };
}

/** Calls until it is no longer moving. */
export async function until(call: () => Promise<Applied>): Promise<Applied> {
  return await eventually(
    async () => {
      const applied = await call();
      return applied.progress !== 'moving' && applied;
    },
    { within: 40_000 },
  );
}

/** Applies until there is nothing more to do and every instance is healthy. */
export async function settled(orchestrator: Orchestrator, deployment: Deployment): Promise<Applied> {
  return await until(() => orchestrator.apply(deployment, acting()));
}

/** Stops dead when its n-th step begins, or its calls run out: what a killed process leaves behind. */
export async function stoppedAfter(orchestrator: Orchestrator, deployment: Deployment, steps: number): Promise<Applied | undefined> {
  const end = new AbortController();
  let taken = 0;
  const onProgress = () => {
    taken += 1;
    if (taken >= steps) end.abort(new Error('killed here'));
  };
  try {
    for (;;) {
      const applied = await orchestrator.apply(deployment, { signal: end.signal, epoch: steps, onProgress });
      if (applied.progress !== 'moving') return applied;
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
    return undefined;
  }
}
