import type { Reason } from '@slipway/contracts';
import type { Told } from './event-order.js';

/** That the image of a release is needed no longer: nothing can be done with the release any more. */
export interface RetiredImage {
  /** When it was decided. */
  readonly at: string;
  /** When it was gone from the registry; null while it is there. */
  readonly removedAt: string | null;
  /** Why the registry keeps it, where it does. */
  readonly refused: Reason | null;
}

/** What is known of a retired image after one more event; the same object where the event says nothing about this release's. */
export function foldRetired(before: RetiredImage | undefined, event: Told, id: string): RetiredImage | undefined {
  if (event.name !== 'image.retired' && event.name !== 'image.removed') return before;
  if (!event.data.releases.some((release) => release.id === id)) return before;
  if (event.name === 'image.retired') return before ?? { at: event.time, removedAt: null, refused: null };
  const { at = event.time, removedAt = null } = before ?? {};
  if (removedAt !== null) return before;
  const { refused } = event.data;
  return { at, removedAt: refused === null ? event.time : null, refused };
}
