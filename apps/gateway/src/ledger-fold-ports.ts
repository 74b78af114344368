import type { Tx } from '@slipway/postgres';
import type { LedgerBooks } from './ledger-ports.js';

/** Something the ledger has otherwise than its journal tells it. */
export interface Difference {
  readonly book: string;
  readonly key: string;
  /** The ledger has nothing of it, has what nothing tells of, or has it otherwise. */
  readonly what: 'missing' | 'extra' | 'differs';
  /** `shop/42`, where it is about a release. */
  readonly release: string | null;
}

/** A second set of books, folded anew beside those that are read: to take their place, or to be compared with them. */
export abstract class FreshLedger {
  /** Writes the second set. Whoever does is alone: nothing is locked. */
  abstract readonly books: LedgerBooks;
  /** Makes it, empty; what an earlier fold left goes. */
  abstract make(tx: Tx): Promise<void>;
  /** The releases it has events of, after this one, in order. */
  abstract releasesAfter(tx: Tx, release: string | null, limit: number): Promise<readonly string[]>;
  /** To be called when it is nearly whole: what Postgres must know of its tables to read them well. */
  abstract analyse(tx: Tx): Promise<void>;
  /** Puts it in the place of the books; to be called while folds are held off. */
  abstract takeOver(tx: Tx): Promise<void>;
  /** What differs between the two, by the snapshot of the transaction, at most so many of each book; `count` has all of them. */
  abstract differences(tx: Tx, limit: number): Promise<{ count: number; some: readonly Difference[] }>;
  abstract drop(tx: Tx): Promise<void>;
}

/** How far the fold of a ledger is. */
export interface LedgerProgress {
  readonly step: 'journal' | 'releases' | 'last' | 'over';
  /** Archives there were, of which `file` are read and `line` rows of the next; then the number of the last row read in Postgres. */
  readonly place: { readonly archives: number; readonly file: number; readonly line: number; readonly seq: string };
  readonly events: number;
  /** What the journal had when it began. */
  readonly of: number;
  /** The last release whose account was folded, and how many were. */
  readonly release: string | null;
  readonly releases: number;
  readonly differing: number;
  readonly differences: readonly Difference[];
  /** Why it was given up. */
  readonly failure: string | null;
}

/** A fold of the ledger that somebody asked for. */
export interface LedgerTask {
  readonly task: 'rebuild' | 'check';
  readonly command: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  readonly progress: LedgerProgress | null;
  readonly error: string | null;
  readonly askedAt: Date;
  readonly finishedAt: Date | null;
}

/** Folds of the ledger, as long work. */
export abstract class LedgerTasks {
  abstract newest(): Promise<LedgerTask | undefined>;
  /** Whether one that was asked for earlier is not over. */
  abstract anotherBefore(id: string): Promise<boolean>;
  abstract save(tx: Tx, id: string, progress: LedgerProgress): Promise<void>;
}
