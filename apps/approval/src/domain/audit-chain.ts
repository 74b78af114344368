import { type AuditLink, auditGenesis } from '@slipway/contracts';
import { canonicalJson, type Sha256Of } from '@slipway/release';

/** An entry before it has its place in a chain. */
export type Unlinked = Omit<AuditLink, 'sequence' | 'previous' | 'hash'>;

/** Puts entries behind a head, each hash over the one before: a changed, missing or moved entry shows at once. */
export function linkAll(entries: readonly Unlinked[], head: { sequence: number; hash: string } | undefined, sha256: Sha256Of): AuditLink[] {
  let { sequence, hash: previous } = head ?? { sequence: 0, hash: auditGenesis };
  return entries.map((entry) => {
    sequence += 1;
    const link = { ...entry, sequence, previous };
    const hash = hashOf(link, sha256);
    previous = hash;
    return { ...link, hash };
  });
}

/** The hash a link must have. */
export function hashOf({ chain, sequence, at, event, entry, previous }: Omit<AuditLink, 'hash'>, sha256: Sha256Of): string {
  return sha256(canonicalJson({ chain, sequence, at, event, entry, previous }));
}

/** Links said in one event, at most, and letters in them: an event has room for 900 kB, and a letter may be three bytes. */
const mostLinks = 10;
const mostLetters = 250_000;

/** Links in portions that an event has room for. One that is too large for company goes alone. */
export function portionsOf(links: readonly AuditLink[]): AuditLink[][] {
  const portions: AuditLink[][] = [];
  let room = 0;
  for (const link of links) {
    const letters = JSON.stringify(link).length;
    const portion = portions.at(-1);
    if (portion && portion.length < mostLinks && letters <= room) portion.push(link);
    else {
      portions.push([link]);
      room = mostLetters;
    }
    room -= letters;
  }
  return portions;
}
