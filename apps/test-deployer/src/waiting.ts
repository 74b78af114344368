import type { Tx } from '@slipway/postgres';
import type { Queued } from './domain/test-environment.js';
import type { Deployments } from './ports.js';

/**
 * Decides about what waits for an environment, by what is believed. To load all of it for the seals would be too much, so that is done with those a
 * decision names, and where one is not believed it is made again without it: a row that somebody else wrote holds nobody up.
 */
export async function amongWaiting<T>(
  deployments: Deployments,
  tx: Tx,
  { project, environment }: { readonly project: string; readonly environment: string },
  decide: (waiting: readonly Queued[]) => T,
  named: (decision: T) => readonly Queued[],
): Promise<T> {
  let waiting = await deployments.waiting(tx, project, environment);
  for (;;) {
    const decision = decide(waiting);
    const ids = named(decision).map(({ id }) => id);
    const believed = new Set(ids.length === 0 ? [] : await deployments.believedOf(tx, ids));
    if (ids.every((id) => believed.has(id))) return decision;
    waiting = waiting.filter(({ id }) => !ids.includes(id) || believed.has(id));
  }
}
