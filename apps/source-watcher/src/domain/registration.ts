import { matches } from '@slipway/release';

/** What a source watches, as patterns. */
export interface Watched {
  readonly branches: readonly string[];
  readonly tags: readonly string[];
}

/** A ref that was there before anybody watched it. */
export interface Candidate {
  readonly ref: string;
  /** RFC 3339 UTC. */
  readonly committedAt: string;
}

const branch = 'refs/heads/';
const tag = 'refs/tags/';

/** Whether these patterns watch a ref. */
export function watches(watched: Watched, ref: string): boolean {
  if (ref.startsWith(branch)) return watched.branches.some((pattern) => matches(pattern, ref.slice(branch.length)));
  return ref.startsWith(tag) && watched.tags.some((pattern) => matches(pattern, ref.slice(tag.length)));
}

/**
 * Of what stood there already when it began to be watched, what becomes a release: every branch that is named in full; where none is, the
 * branch with the newest commit. All else, tags above all, is the past: nobody wants a release of each.
 */
export function takenAtRegistration(watched: Watched, candidates: readonly Candidate[]): ReadonlySet<string> {
  const branches = candidates.filter(({ ref }) => ref.startsWith(branch));
  const named = branches.filter(({ ref }) => watched.branches.includes(ref.slice(branch.length)));
  if (named.length > 0) return new Set(named.map(({ ref }) => ref));
  if (watched.branches.some((pattern) => !/[*?{]/.test(pattern))) return new Set();
  const newest = [...branches].sort((one, other) => (one.committedAt < other.committedAt ? 1 : -1))[0];
  return new Set(newest ? [newest.ref] : []);
}
