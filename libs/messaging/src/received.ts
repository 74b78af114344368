import type { DataOf, EventDefinition } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { z } from 'zod';

/** An event as a handler gets it: verified, brought up to the newest version, parsed. */
export interface Received<E extends EventDefinition = EventDefinition> {
  readonly id: string;
  readonly name: E['name'];
  /** The version it was written in; `data` is of the newest. */
  readonly version: number;
  /** The service that wrote it; for an event from outside whatever the sender calls itself. */
  readonly source: string;
  readonly subject: string;
  /** When it happened, RFC 3339 UTC. */
  readonly time: string;
  /** Counts up from 1 per writer and subject. Later ones may have been seen already when a lost one is said again. */
  readonly sequence?: number;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly data: DataOf<E>;
  readonly raw: { readonly headers: Readonly<Record<string, string>>; readonly value: Buffer };
  /** Absent only for an event from outside, which brings a proof of its own in its data. `envelope` is to be kept with what was decided. */
  readonly signature?: { readonly keyId: string; readonly envelope: string };
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** True when the sender said it again because nobody had answered yet. */
  readonly resent: boolean;
}

/** What is to be said. */
export interface Said<E extends EventDefinition> {
  /** What it is about, by the event's `about`; the record key. */
  subject: string;
  data: z.input<E['data']>;
  /** The release where there is one. In a handler it is the received event's unless given. */
  correlationId?: string;
  /** The event that led to this. In a handler it is the received event's id unless given. */
  causationId?: string;
  /** UUIDv7 by default. */
  id?: string;
}

/** One transaction: what a handler does in it, what it says, and that it has seen the event, all hold or none does. */
export interface UnitOfWork {
  readonly tx: Tx;
  /** Start of the transaction by the database's clock. */
  readonly now: Date;
  /**
   * Says an event when, and only when, this transaction commits. Returns its id.
   * @throws Error naming the field where the data does not fit the contract, this service is not the event's writer, or it is 900 kB or more.
   */
  publish<E extends EventDefinition>(event: E, said: Said<E>): string;
}

/** What a service does when it hears an event. Runs in one transaction and never does slow work: owe that as an operation. */
export interface Handler<E extends EventDefinition = EventDefinition> {
  handle(event: Received<E>, unit: UnitOfWork): Promise<void>;
  /**
   * The same for several events that came one after the other in a partition, all in one transaction: for a handler that many kinds of events share and
   * that may fall behind. Each has a unit of its own, so that what is said in it is known to be an answer to it; `tx` is the same in all. Where it throws,
   * nothing of it holds, and each is handled by itself.
   */
  handleAll?(all: readonly InHand<E>[]): Promise<void>;
}

/** An event with what is done because of it. */
export interface InHand<E extends EventDefinition = EventDefinition> {
  readonly event: Received<E>;
  readonly unit: UnitOfWork;
}

/** Events to handlers: exactly one each. */
// biome-ignore lint/suspicious/noExplicitAny: a map cannot say that each handler fits its own key; `on(event, handler)` of service-kit does
export type Subscriptions = ReadonlyMap<EventDefinition, Handler<any>>;

/** What led to a transaction that no event started, so that what it says is known to belong to it. */
export interface Cause {
  readonly causationId?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
}
