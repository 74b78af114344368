import type { Reason } from '@slipway/contracts';
import { matches } from '@slipway/release';
import type { Movement } from './movements.js';
import { type Watched, watches } from './registration.js';

/** What was found out about one movement, before anything is decided. */
export interface Facts {
  readonly movement: Movement;
  /** It stood there already when it began to be watched. */
  readonly stood: boolean;
  /** Of those, one that is taken once. */
  readonly taken: boolean;
  /** Revisions that came since, newest first, the head among them. */
  readonly revisions: readonly string[];
  /** `forward`: the old head is part of the new one. `back`: the other way round. `across`: neither, history was rewritten. */
  readonly direction: 'new' | 'forward' | 'back' | 'across' | 'gone';
  /** Paths that differ from the last head, or the last release the new branch grew from; null where there is nothing to compare with. */
  readonly changedPaths: readonly string[] | null;
  /** `slipway.yaml` can not be used, and why. */
  readonly badFile: string | null;
  /** The release of the same revision is still being built: a tag on it waits for its image. */
  readonly awaitsImage: boolean;
}

/** What comes of a movement. `wait` leaves everything as it was, for the next poll. */
export type Decision =
  | { readonly kind: 'wait' }
  | { readonly kind: 'release'; readonly release: 'commit' | 'tag'; readonly folded: readonly string[]; readonly notice: Reason | null }
  | { readonly kind: 'ignore'; readonly revisions: readonly string[]; readonly reason: Reason }
  | { readonly kind: 'gone'; readonly notice: Reason | null };

/** Decides about one movement of a branch or tag. Pure: time, tables and the repository have been asked before. */
export function decideMovement(watched: Watched & { readonly paths: readonly string[] }, facts: Facts): Decision {
  const { movement, direction } = facts;
  const name = movement.ref.replace(/^refs\/(heads|tags)\//, '');
  const isTag = movement.ref.startsWith('refs/tags/');
  if (movement.to === null) {
    // What is only watched no more was not deleted by anybody.
    if (!watches(watched, movement.ref)) return { kind: 'gone', notice: null };
    return {
      kind: 'gone',
      notice: { code: 'deleted', message: `${isTag ? 'tag' : 'branch'} ${name} was deleted; it stood at ${short(movement.from)}` },
    };
  }
  const ignore = (code: string, message: string, revisions: readonly string[] = [movement.to as string]): Decision => ({
    kind: 'ignore',
    revisions,
    reason: { code, message },
  });
  if (facts.stood && !facts.taken)
    return ignore('before-registration', `${name} stood there before it was watched; what comes next becomes a release`);
  if (!isTag && direction === 'back')
    return ignore('rewound', `branch ${name} was taken back from ${short(movement.from)} to ${short(movement.to)}; nothing is released`);
  if (
    facts.changedPaths &&
    watched.paths.length > 0 &&
    !facts.changedPaths.some((path) => watched.paths.some((pattern) => matches(pattern, path)))
  ) {
    return ignore('paths', `nothing below ${watched.paths.join(', ')} changed`, facts.revisions);
  }
  if (facts.badFile !== null) return ignore('repository-file', facts.badFile, facts.revisions);
  if (isTag && facts.awaitsImage) return { kind: 'wait' };
  return {
    kind: 'release',
    release: isTag ? 'tag' : 'commit',
    folded: isTag ? [] : facts.revisions.filter((revision) => revision !== movement.to),
    notice: noticeOf(facts, name, isTag),
  };
}

function noticeOf({ movement, direction }: Facts, name: string, isTag: boolean): Reason | null {
  if (isTag && movement.from !== null) {
    return {
      code: 'tag-moved',
      message: `tag ${name} was moved from ${short(movement.from)} to ${short(movement.to)}; the release of the old one stays as it is`,
    };
  }
  if (direction !== 'across') return null;
  return { code: 'rewritten', message: `branch ${name} was rewritten: ${short(movement.from)} is no longer part of it` };
}

function short(revision: string | null): string {
  return revision === null ? 'nothing' : revision.length > 20 ? revision.slice(0, 12) : revision;
}
