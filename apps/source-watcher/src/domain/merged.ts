import type { Release } from '@slipway/contracts';

/** A commit, and those it was made of. */
export interface MadeCommit {
  readonly revision: string;
  readonly parents: readonly string[];
}

/** Of a release what its place is told by. */
type Placed = Pick<Release, 'number' | 'line' | 'revision'>;

/**
 * Releases that come into a line with these commits beside the one they are counted from, by number: on each way down from the head the first commit that was
 * released, for what lies below came with that; and the one they are counted from, where that is of another line. Earlier releases newest first.
 */
export function mergedWith(
  head: Omit<Placed, 'number'>,
  commits: readonly MadeCommit[],
  previous: Placed | undefined,
  releases: readonly Placed[],
): number[] {
  const parents = new Map(commits.map((commit) => [commit.revision, commit.parents]));
  // The first of several of one commit, for those after it are tags and configurations.
  const released = new Map(releases.map(({ revision, number }) => [revision, number]));
  const found = new Set(previous && previous.line !== head.line ? [previous.number] : []);
  const seen = new Set<string>();
  const open = [head.revision];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const below = parents.get(at);
    // What is not among the commits lies below what they are counted from.
    if (below === undefined || seen.has(at)) continue;
    seen.add(at);
    const number = released.get(at);
    if (number === undefined) open.push(...below);
    else found.add(number);
  }
  return [...found];
}
