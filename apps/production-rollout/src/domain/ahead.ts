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
