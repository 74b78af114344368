/** An instance as it says by its labels who brought it. */
export interface Brought {
  readonly release: string;
  /** The number of the rollout here that made it. */
  readonly attempt: number;
}

/**
 * What runs was brought by a rollout of a number that has not been given out yet, as far as the database knows: it was brought back from a backup, and is older
 * than what it describes. To heal would be to take production back to what ran then (promise 4). In words, or undefined where it is not so.
 */
export function aheadOf(attempts: number, instances: readonly Brought[]): string | undefined {
  const newest = instances.toSorted((one, other) => other.attempt - one.attempt)[0];
  if (!newest || newest.attempt <= attempts) return undefined;
  const { release, attempt } = newest;
  return `release ${release} runs, brought by rollout ${attempt} here, and the database knows of ${attempts}: it is older than what runs, which stays until the next rollout`;
}
