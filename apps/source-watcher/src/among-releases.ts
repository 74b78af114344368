import { type CallOptions, type Point, type Source, type SourceControl, SourceError } from '@slipway/source-control';
import type { Facts } from './domain/decide-movement.js';
import type { Movement } from './domain/movements.js';
import { worthTelling } from './domain/worth-telling.js';
import type { Born } from './ports.js';

/** A repository, and how it is asked. */
export interface Asked {
  readonly control: SourceControl;
  readonly source: Source;
  readonly options: CallOptions;
}

export function pointOf({ release }: Born): Point {
  return { ref: release.ref, revision: release.revision };
}

/** What is gone from the source can't be asked about; then the careful answer counts. */
export async function whereKnown<T, Otherwise>(answer: Promise<T>, otherwise: Otherwise): Promise<T | Otherwise> {
  return answer.catch((error: unknown) => {
    if (error instanceof SourceError && (error.reason === 'unknown-revision' || error.reason === 'gone')) return otherwise;
    throw error;
  });
}

/** Whether a line still has its last release: it may have been taken back, rewritten, or made anew since, and a tag may be set on older code. */
export async function isHeld(
  { control, source, options }: Asked,
  last: Born,
  { ref, from, to }: Movement & { to: string },
  direction: Facts['direction'],
): Promise<boolean> {
  if (direction === 'forward' && last.release.revision === from) return true;
  return whereKnown(control.isAncestor(source, pointOf(last), { ref, revision: to }, options), false);
}

/** The newest release a branch grew from, or a tag was set on. */
export async function grownFrom({ control, source, options }: Asked, releases: readonly Born[], to: Point): Promise<Born | undefined> {
  const points = releases.map(pointOf);
  const found = await control.firstContained(source, to, points, options);
  return found && releases[points.indexOf(found)];
}

/** Numbers of the releases that contain this. A head that moved on, where all releases are of its own line, is in none of them; else they are asked. */
export async function containing(
  { control, source, options }: Asked,
  base: Point,
  releases: readonly Born[],
  forward: boolean,
): Promise<number[]> {
  const others = releases.filter(({ release }) => release.revision !== base.revision && !(forward && release.line === base.ref));
  if (others.length === 0) return [];
  const points = others.map(pointOf);
  const found = new Set(await control.containing(source, base, points, options));
  return worthTelling(others.filter((_, at) => found.has(points[at] as Point)).map(({ release }) => release));
}
