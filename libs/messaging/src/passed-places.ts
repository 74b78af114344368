import type { InRecord, TopicPartition } from './event-log.js';
import { afterOf } from './inbox.js';
import { nameOf } from './name-of.js';

/** A partition that has only records for others says where it is this often, in ms. */
const passEveryMs = 5_000;

/** A partition whose place in the database may be moved on, where it is still the one we stored. */
export interface PassedPlace extends TopicPartition {
  readonly stored: string;
  readonly next: string;
}

/**
 * How far records for others were passed by since a place was stored. To store it with each of them would be a transaction each; but the last of a quiet
 * partition has to be stored in the end, or it looks as if it was never heard.
 */
export class PassedPlaces {
  private readonly reached = new Map<string, PassedPlace & { readonly at: number }>();

  /** Whether it was too long ago that a place of this partition was stored. */
  isDue(record: InRecord): boolean {
    return performance.now() - (this.reached.get(nameOf(record))?.at ?? Number.NEGATIVE_INFINITY) >= passEveryMs;
  }

  /** The place after the record is in the database. */
  stored(record: InRecord): void {
    const { topic, partition } = record;
    const next = afterOf(record);
    this.reached.set(nameOf(record), { topic, partition, stored: next, next, at: performance.now() });
  }

  /** The record was passed by and nothing stored. */
  passed(record: InRecord): void {
    const reached = this.reached.get(nameOf(record));
    if (reached) this.reached.set(nameOf(record), { ...reached, next: afterOf(record) });
  }

  /** Has what was passed by stored. */
  async store(all: (places: readonly PassedPlace[]) => Promise<void>): Promise<void> {
    const passed = [...this.reached.values()].filter(({ stored, next }) => stored !== next);
    if (passed.length === 0) return;
    // What comes meanwhile stores its place at once: only with that is it known whose turn it is.
    for (const place of passed) this.reached.delete(nameOf(place));
    try {
      await all(passed);
    } catch (error) {
      for (const place of passed) if (!this.reached.has(nameOf(place))) this.reached.set(nameOf(place), place);
      throw error;
    }
  }
}
