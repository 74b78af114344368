import type { Said } from './facts.ts';
import type { History } from './history.ts';

/** Partitions a service had not read to their end, with how far it was. */
export function unreadBy({ places }: History, service: string): ReadonlyMap<string, number> {
  const behind = places.filter((place) => place.service === service && place.committed >= 0 && place.committed < place.end);
  return new Map(behind.map(({ topic, partition, committed }) => [`${topic} ${partition}`, committed]));
}

/** What a reader that is this far behind must have heard. */
export function mustBeHeard(said: Said, unread: ReadonlyMap<string, number>): boolean {
  return said.copies.some(({ topic, partition, offset }) => offset < (unread.get(`${topic} ${partition}`) ?? Number.POSITIVE_INFINITY));
}
