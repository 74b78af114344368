import { EventNoted } from '@slipway/contracts';
import type { Facts, Said } from './facts.ts';

const known = new WeakMap<Facts, ReadonlyMap<string, number>>();

/**
 * When a service had dealt with an event, by its own database: the first thing it said because of it, were it only that it noted it. Undefined where it
 * has said nothing yet.
 */
export function heardAt(facts: Facts, service: string, event: Said): number | undefined {
  const heard = known.get(facts) ?? gather(facts);
  known.set(facts, heard);
  return heard.get(`${service} ${event.id}`);
}

function gather(facts: Facts): ReadonlyMap<string, number> {
  const heard = new Map<string, number>();
  // Parked for later, or laid aside: it was not dealt with.
  const aside = new Set(
    facts.named(EventNoted).flatMap(({ id, data }) => (data.outcome === 'parked' || data.outcome === 'dead-lettered' ? [id] : [])),
  );
  for (const { id, source, cause, ms } of facts.said) {
    if (aside.has(id)) continue;
    const key = `${source} ${cause}`;
    if (cause !== undefined && ms < (heard.get(key) ?? Number.POSITIVE_INFINITY)) heard.set(key, ms);
  }
  return heard;
}

/** The longest a transaction may take here: what it says carries the time it began at, and counts from when it committed. */
const longestTransactionMs = 10_000;

/** By when what this event says was committed for certain: once a broker had it, or its transaction can't have lasted any longer. */
export function committedBy({ ms, at }: Said): number {
  return Math.min(at, ms + longestTransactionMs);
}
