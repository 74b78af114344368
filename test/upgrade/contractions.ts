/** A migration that takes something away, and the first commit whose services need it no more: it may only land after that was run everywhere. */
export interface Contraction {
  /** As `service`/`Migration`. */
  readonly migration: string;
  /** As the test says it. */
  readonly what: string;
  readonly neededUntil: string;
}

/** None yet: nothing that any version of Slipway wrote or read was taken away. */
export const contracted: readonly Contraction[] = [];
