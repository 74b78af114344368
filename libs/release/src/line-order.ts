import type { Release } from '@slipway/contracts';

/** What the order of two releases is told by; every Release has it. */
export type Ordered = Pick<Release, 'id' | 'number' | 'line' | 'ancestorOf'>;

/** How a candidate stands to what runs. */
export type LineOrder = 'newer' | 'older' | 'same' | 'unrelated';

/**
 * Whether a candidate is newer or older than what runs or rolls out (design part 4, promise 4): by number within one line, but an ancestor
 * of the running commit is older whatever its number; releases of different lines are neither.
 */
export function compareReleases(running: Ordered, candidate: Ordered): LineOrder {
  if (running.id === candidate.id) return 'same';
  // A tag set today on last month's commit has a high number and old code. Asked before the line: an ancestor is older on any line.
  if (candidate.ancestorOf.includes(running.number)) return 'older';
  if (running.line !== candidate.line) return running.ancestorOf.includes(candidate.number) ? 'newer' : 'unrelated';
  return candidate.number > running.number || running.ancestorOf.includes(candidate.number) ? 'newer' : 'older';
}

/** Whether letting the candidate in would go backwards: only a rollback may. */
export function goesBackwards(running: Ordered | null, candidate: Ordered): boolean {
  return running !== null && compareReleases(running, candidate) === 'older';
}

/** The one of several waiting releases that goes, the others being superseded: none of the others is newer; between lines the higher number. */
export function newestOf<T>(waiting: readonly T[], releaseOf: (each: T) => Ordered): T | undefined {
  const byNumber = [...waiting].sort((one, other) => releaseOf(one).number - releaseOf(other).number);
  const compare = (one: T, other: T) => compareReleases(releaseOf(one), releaseOf(other));
  let best = byNumber.reduce<T | undefined>((one, each) => (one === undefined || compare(one, each) !== 'older' ? each : one), undefined);
  // One that stood back for a newer one of its line may be newer than what came after that, from another line. Where a history was rewritten, numbers and
  // ancestors can go round in a circle: then one of it goes.
  for (let turns = byNumber.length; turns > 0 && best !== undefined; turns--) {
    const one: T = best;
    const newer = byNumber.findLast((each) => compare(one, each) === 'newer');
    if (newer === undefined) break;
    best = newer;
  }
  return best;
}
