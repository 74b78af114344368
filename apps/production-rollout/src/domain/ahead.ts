import type { EnvironmentState } from './environment.js';

/** An instance as it says by its labels who brought it. */
export interface Brought {
  readonly release: string;
  /** The number of the rollout here that made it. */
  readonly attempt: number;
}

/** More than any environment will ever have: a label that says more was not written by us. */
const mostAttempts = 1_000_000_000;

/** The highest number of a rollout that brought any of them; 0 where there are none. */
export function newestBrought(instances: readonly Pick<Brought, 'attempt'>[]): number {
  return Math.max(0, ...instances.map(({ attempt }) => attempt).filter((attempt) => Number.isInteger(attempt) && attempt < mostAttempts));
}

/** What is newest of what runs: the number of the rollout that brought it, and for how long it has run, in ms; 0 where it does not. */
export interface Newest {
  readonly attempt: number;
  readonly forMs: number;
}

export function newestOf(instances: readonly (Brought & { readonly runningForMs: number })[]): Newest {
  const attempt = newestBrought(instances);
  return { attempt, forMs: Math.max(0, ...instances.filter((each) => each.attempt === attempt).map(({ runningForMs }) => runningForMs)) };
}

/** What is rolled out, as far as it says when it was asked for. */
export interface Asked {
  readonly kind: 'rollout' | 'rollback';
  readonly createdAt: string;
  readonly grant: { readonly request: string; readonly issuedAt: string };
}

/**
 * When people were asked for it, or a rollback was: a grant that waits is issued anew every hour, and is not younger for that. Ids of requests say when they were made
 * (RFC 9562, section 5.7).
 */
export function askedAt({ kind, createdAt, grant: { request, issuedAt } }: Asked): string {
  if (kind === 'rollback') return createdAt;
  const requested = new Date(Number.parseInt(request.replaceAll('-', '').slice(0, 12), 16)).toISOString();
  return [createdAt, issuedAt, requested].sort()[0] as string;
}

/**
 * Whether people signed before what runs was brought by a rollout the database does not know: they let it in over something else. What they sign for since
 * goes over it.
 */
export function isSignedBefore(asked: string, attempts: number, { attempt, forMs }: Newest, now: Date): boolean {
  return attempt > attempts && forMs > 0 && Date.parse(asked) < now.getTime() - forMs;
}

/**
 * What runs was brought by a rollout of a number that has not been given out yet, as far as the database knows: it was brought back from a backup, and is older
 * than what it describes. To heal would be to take production back to what ran then (promise 4). In words, or undefined where it is not so.
 */
export function aheadOf(attempts: number, instances: readonly Brought[]): string | undefined {
  const attempt = newestBrought(instances);
  const newest = instances.find((each) => each.attempt === attempt);
  if (!newest || attempt <= attempts) return undefined;
  const { release } = newest;
  return `release ${release} runs, brought by rollout ${attempt} here, and the database knows of ${attempts}: it is older than what runs, which stays until the next rollout`;
}

/** The environment as it stands where something of that number runs: behind it, when it is higher than any that was given out. */
export function beside(environment: EnvironmentState, newest: number): EnvironmentState {
  return newest > environment.attempts ? { ...environment, ahead: newest } : environment;
}

/** Whether what runs is not known here: a rollout was ahead of this database, and no later one was good since (which a replica of before does not note). */
export function isBehind({ running, ahead = 0 }: EnvironmentState): boolean {
  return ahead > (running?.attempt ?? 0);
}
