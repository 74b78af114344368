import type { UnitOfWork } from '@slipway/messaging';
import type { Tx } from '@slipway/postgres';
import type { Met } from './away.js';

/** The row of a piece of long work, as its worker sees it. */
export interface Operation<Input = unknown> {
  readonly id: string;
  readonly kind: string;
  readonly key: string;
  readonly input: Input;
  /** Counts up with every claim; goes with every outside effect that can be fenced. Never lower than one used before. */
  readonly epoch: number;
  /** Attempts that errored in a row before this one. Waiting (`again`), hand-over and takeover are none. */
  readonly attempt: number;
  readonly createdAt: Date;
  /** What `note` said last, in this or an earlier claim. */
  readonly progress: unknown;
}

/** How a call that changes something outside is to be made. */
export interface Acting {
  /** Aborted when the claim is lost, a little after it was told to stop, and when the call's time is over. */
  readonly signal: AbortSignal;
  /** Of the claim, for what can be fenced. */
  readonly epoch: number;
}

/** The right to work on one operation, as long as the lease is renewed. */
export interface Claim<Input = unknown> {
  readonly operation: Operation<Input>;
  /** Aborted with `LostClaim`, `Cancelled`, `ShuttingDown` or `TimeIsUp`. Give it to every outside call. */
  readonly signal: AbortSignal;
  /** Milliseconds for which nobody else can have this operation, by our own monotonic clock, ending before the database's. */
  leaseLeft(): number;
  /**
   * Takes what several operations act on, each at its time, by its name: an environment. From here on `act` calls only as long as no other claim took it.
   * False while a call of whoever had it before may still be under way there: come again soon. What is there is looked at after this, not before.
   */
  take(place: string): Promise<boolean>;
  /**
   * Makes a call of at most `ms` that changes something outside: the only way to make one, where doing it late would matter. First it is written down, in a
   * statement that only the newest epoch can write, that a call may be under way; whoever takes over, or takes the place, waits until it has arrived or never
   * will, and looks then. What is only read needs none of this. `until` cuts it off besides what ends the claim. Throws the abort reason, and what the call
   * throws: where that does not say that nothing is under way any more (`isOver`), the call is taken for under way until its time is over.
   * @throws LostClaim or LostPlace before anything was sent; the latter is to be passed on, and the work begun anew.
   */
  act<T>(ms: number, call: (acting: Acting) => Promise<T>, until?: AbortSignal): Promise<T>;
  /** One transaction to read in; it locks and writes nothing of the operation. What is done because of it asks for the epoch: `act`, `transact`, `complete`. */
  read<T>(fn: (tx: Tx) => Promise<T>): Promise<T>;
  /** One transaction that commits only if this claim is still the newest. @throws LostClaim when it is not; nothing is kept then. */
  transact<T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T>;
  /** As `transact`, and the operation is done with it: what follows a crash can't do it again. Return `{done: true}` afterwards. */
  complete<T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T>;
  /** What earlier tries met absent answers: that it is back is said now, not at the end of the claim. Free where it was not away. */
  answers(part: string): void;
  /** Keeps how far it is for people and for the next claim. JSON, small. Lost claims are ignored. */
  note(progress: unknown): Promise<void>;
}

/** Done, or to be looked at again later. Waiting is not failing: `again` counts as no attempt and starts the count anew. An error thrown is *errored*. */
export type Outcome = { readonly done: true } | { readonly again: Again };

export interface Again {
  readonly afterMs: number;
  readonly reason: string;
  /** The part it waits for, where one does not answer: said to the release's readers, and counted by the metric that alarms. */
  readonly away?: Omit<Met, 'reason'>;
}

/** How one kind of operation is worked on. `run` may be started again at any point of an earlier run: look first, adopt, else act. */
export interface Work<Input = unknown> {
  readonly kind: string;
  /** Most of this kind at a time in this process. Default 4. */
  readonly concurrency?: number;
  /**
   * How long the work of a dead owner stands still; renewed every third of it. Default 6 000. Whoever loses it for a while of the database's has only to begin
   * anew: make it longer where that is dear, or where there are so many that renewals are.
   */
  readonly leaseMs?: number;
  /** The longest single outside call `run` makes, in ms: so long it may take to stop, and whoever takes over from a dead owner waits for one that was armed (`Claim.act`). */
  readonly callTimeoutMs: number;
  /**
   * What is new waits while others are behind with what this service says, or it with what it hears (`Messaging.isBehind`): work that waits here holds
   * up nobody, and what it would say only lengthens their queue. `first`: what was begun goes on; `each`: every turn of it may wait. One a second is
   * begun all the same.
   */
  readonly yields?: 'first' | 'each';
  /** Attempts that may error in a row before it is exhausted. Default: no end, for an outage must cost time only. */
  readonly attempts?: number;
  run(claim: Claim<Input>): Promise<Outcome>;
  /** Says so to the world when attempts or time have run out. Retried until it succeeds. */
  exhausted?(claim: Claim<Input>, error: Error): Promise<void>;
  /** Cleans up after a cancelled operation that had been claimed before. Retried until it succeeds. */
  cancelled?(claim: Claim<Input>, reason: string): Promise<void>;
}
