/** How a release hangs on the one before it, as its source said at its birth. */
export interface Link {
  readonly number: number;
  readonly line: string;
  readonly revision: string;
  /** The revision of the release it was compared with: of its own line or, for the first of a branch, of the line that grew from. */
  readonly from: string | null;
}

/** The releases whose authors do not count, and the revision of one that has not been heard of, where the way down breaks off. */
export interface Change {
  readonly numbers: readonly number[];
  readonly unheard: string | null;
}

/**
 * Everything between what runs and a candidate (design part 4, promise 11): its own line since what runs there, and the way down from release to
 * release, across lines, until what runs is reached or nothing is left. More than that only makes fewer people count.
 */
export function changeOf(links: readonly Link[], running: Omit<Link, 'from'> | null, candidate: Link): Change {
  const after = running?.line === candidate.line ? running.number : 0;
  const own = links.filter((link) => link.line === candidate.line && link.number > after && link.number <= candidate.number);
  const numbers = new Set([...own.map((link) => link.number), candidate.number]);
  const newestFirst = Map.groupBy(
    [...links].sort((one, other) => other.number - one.number),
    (link) => link.revision,
  );
  for (let at = candidate; at.from !== null && at.from !== running?.revision; ) {
    const { from, number } = at;
    const next = newestFirst.get(from)?.find((link) => link.number < number);
    if (!next) return { numbers: [...numbers], unheard: from };
    if (running && next.line === running.line && next.number <= running.number) break;
    numbers.add(next.number);
    at = next;
  }
  return { numbers: [...numbers], unheard: null };
}
