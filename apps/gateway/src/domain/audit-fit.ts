import type { AuditLink } from '@slipway/contracts';

/** What we have of a chain at the places a link touches. */
export interface Beside {
  /** The hash we have at the link's own place. */
  readonly same: string | undefined;
  /** The hash we have at the place before; `undefined` where we have none. */
  readonly before: string | undefined;
}

/** Why a link does not fit the chain we keep, or undefined where it does. `hash` is SHA-256 of its canonical form without its own hash. */
export function misfitOf(link: AuditLink, hash: string, { same, before }: Beside): string | undefined {
  if (link.hash !== hash) return 'its hash is not that of what it says';
  if (same !== undefined && same !== link.hash) return 'another entry stood in its place before';
  if (before !== undefined && before !== link.previous) return 'it does not follow the entry that stands before it';
  return undefined;
}
