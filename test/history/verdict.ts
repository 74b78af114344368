import type { History } from './history.ts';

/** The promises of design part 4, by their numbers there. */
export const promises = {
  1: 'No release is lost',
  2: 'Nothing reaches pre-release or production unapproved',
  3: 'One effect',
  4: 'Never backwards by accident',
  5: 'One digest',
  6: 'Drained',
  7: 'No secret',
  8: 'The audit chains verify',
  9: 'Fenced',
  10: 'One story',
  11: 'Separation of duties',
} as const;

export type PromiseNumber = keyof typeof promises;

/** One way in which a promise was not kept. */
export interface Breach {
  /** The release it happened to; null where it happened to none, or it cannot be told to which. */
  readonly release: string | null;
  /** What was found, in one sentence that names names. */
  readonly what: string;
  /** The records that show it: `approvals[2]@17`, a container's name, a table's row. */
  readonly evidence: readonly string[];
}

/** What a promise was held against, and what broke it. */
export interface Examined {
  /** How much of what was looked at, by what: an empty check shows. */
  readonly counts: Readonly<Record<string, number>>;
  readonly breaches: readonly Breach[];
  /** Why it could not be judged, or not whole; a breach counts all the same. */
  readonly unexamined?: string | undefined;
}

/** A promise's own file: pure, and knows no decision of the product. */
export type Examination = (history: History) => Examined;

export interface Finding extends Examined {
  readonly promise: PromiseNumber;
  readonly title: string;
  readonly state: 'held' | 'broken' | 'not examined';
}

export interface Verdict {
  /** True when no promise is broken and every one was examined. */
  readonly allHeld: boolean;
  readonly findings: readonly Finding[];
}
