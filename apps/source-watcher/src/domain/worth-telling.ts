import type { Release } from '@slipway/contracts';

/** Of so many releases a release can tell that it is part of them. */
export const mostTold = 200;

/**
 * The numbers of releases that contain one, newest first, as they are given. Where there are more than can be told the oldest of each line are told before all
 * others: what came later on the line contains it because that does.
 */
export function worthTelling(containing: readonly Pick<Release, 'line' | 'number'>[]): number[] {
  const oldest = new Map(containing.map(({ line, number }) => [line, number])).values();
  const told = new Set([...oldest, ...containing.map(({ number }) => number)]);
  return [...told].slice(0, mostTold).toSorted((one, other) => other - one);
}
