import type { EnvironmentState, Rollout } from './environment.js';

/** Grants live an hour; so many rollouts begin in one only where nothing has to be waited for. */
const mostBegun = 200;

/**
 * The environment once a rollout has begun in it; null for one that may not: its grant, its command or a later one has begun a rollout here before. That
 * is no rollout that waits, but the row of one that was put back.
 */
export function begunIn(
  environment: EnvironmentState,
  { kind, grant, createdAt }: Rollout,
  notAfter: string,
  now: string,
): EnvironmentState | null {
  const { begun = [], rolledBackAt = '', attempts } = environment;
  const next = { ...environment, attempts: attempts + 1 };
  if (kind === 'rollback') return createdAt > rolledBackAt ? { ...next, rolledBackAt: createdAt } : null;
  if (begun.some(({ request }) => request === grant.request)) return null;
  const mayBeGood = begun.filter(({ until }) => until > now);
  return { ...next, begun: [...mayBeGood, { request: grant.request, until: notAfter }].slice(-mostBegun) };
}

/** Whether this is the rollout under way: the one attempt that was given out last and has not ended. Any other row that says so was put back. */
export function isUnderWay({ attempts, ended = 0 }: EnvironmentState, { attempt }: Rollout): boolean {
  return attempt === attempts && attempt > ended;
}
