/** A branch or tag as it was seen last. */
export interface Known {
  readonly ref: string;
  readonly revision: string;
}

/** A branch or tag is not where it was. `from` is null when it is new, `to` when it is gone. */
export type Movement =
  | { readonly ref: string; readonly from: string | null; readonly to: string }
  | { readonly ref: string; readonly from: string; readonly to: null };

/** What differs between two looks at a source, branches before tags, so that a tag finds the release of its branch. */
export function movements(known: readonly Known[], seen: readonly Known[]): Movement[] {
  const before = new Map(known.map(({ ref, revision }) => [ref, revision]));
  const now = new Set(seen.map(({ ref }) => ref));
  const moved = seen
    .filter(({ ref, revision }) => before.get(ref) !== revision)
    .map(({ ref, revision }): Movement => ({ ref, from: before.get(ref) ?? null, to: revision }));
  const gone = known.filter(({ ref }) => !now.has(ref)).map(({ ref, revision }): Movement => ({ ref, from: revision, to: null }));
  const order = (ref: string) => (ref.startsWith('refs/tags/') ? 1 : 0);
  return [...moved, ...gone].sort((one, other) => order(one.ref) - order(other.ref) || (one.ref < other.ref ? -1 : 1));
}
