import type { EventDefinition } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { Burial, DeadLetters, Resolved } from './dead-letters.js';
import type { BatchControl, BatchOutcome, InRecord } from './event-log.js';
import type { Handoffs } from './handoffs.js';
import { type Inbox, refuseUnsure, Unsure } from './inbox.js';
import type { Parked } from './parked.js';
import { PassedPlaces } from './passed-places.js';
import { type Event, type Newer, type Poison, type Portion, portionsOf } from './portions.js';
import { type ReaderOptions, read } from './reading.js';
import type { Handler, Received } from './received.js';
import { insist, type Step } from './step.js';
import type { Timing } from './timing.js';
import { causeOf, handleTogether } from './together.js';
import type { Open, Transactions } from './transactions.js';
import { describe, sort, within } from './trouble.js';

export interface ReceiverParts {
  readonly reader: ReaderOptions;
  // biome-ignore lint/suspicious/noExplicitAny: each handler is of its own event
  readonly handlers: ReadonlyMap<string, Handler<any>>;
  readonly transactions: Transactions;
  readonly inbox: Inbox;
  readonly handoffs: Handoffs;
  readonly parked: Parked;
  readonly deadLetters: DeadLetters;
  readonly logger: Logger;
  readonly timing: Timing;
  /** For metrics and for those who wait for something about this subject. */
  readonly handled: (event: Received) => void;
  readonly waits: () => void;
}

/** Takes records in: each is handled, parked, buried or passed by, and none of them can stop the consumer. */
export class Receiver {
  private readonly places = new PassedPlaces();

  constructor(private readonly parts: ReceiverParts) {}

  /** What EventLog.consume calls. Never throws. */
  async onBatch(records: readonly InRecord[], control: BatchControl): Promise<BatchOutcome> {
    for (const portion of portionsOf(records, this.parts)) {
      if (control.signal.aborted) return {};
      const outcome =
        portion.is === 'many' ? await this.takeMany(portion, control) : await insist(this.stepOf(portion), control, this.parts);
      if (outcome) return outcome;
      control.done(portion.record);
      if (portion.is === 'passing') continue;
      this.places.stored(portion.record);
      await control.beat();
    }
    return {};
  }

  /** All in one transaction; where that fails, for whatever reason, one by one, so that what one of them does to it the others do not feel. */
  private async takeMany(portion: Many, control: BatchControl): Promise<BatchOutcome | undefined> {
    try {
      for (const event of await handleTogether(this.parts, portion, control.signal)) this.parts.handled(event);
      return undefined;
    } catch (error) {
      if (control.signal.aborted) return {};
      const { length: events } = portion.all;
      this.parts.logger.warn({ err: error, events, trouble: sort(error) }, 'events were not handled together; now one by one');
    }
    for (const { record, reading } of portion.all) {
      if (control.signal.aborted) return {};
      const outcome = await insist(this.first(record, reading), control, this.parts);
      if (outcome) return outcome;
      control.done(record);
      await control.beat();
    }
    return undefined;
  }

  /** The same for a record out of a table: a dead letter replayed, a parked event whose time has come. `first` claims it in the transaction. */
  async handleAgain(stored: InRecord, first: (tx: Tx) => Promise<void>): Promise<Resolved> {
    const record = { ...stored, topic: this.parts.reader.topics.here(stored.topic) };
    const reading = read(record, this.parts.reader);
    if (reading.is === 'poison') return { ok: false, reason: `${reading.reason}: ${reading.detail}` };
    if (reading.is === 'newer') {
      const reason = `${reading.type} is newer than this version of ${this.parts.reader.service} understands: ${reading.detail}`;
      return { ok: false, reason, isNewer: true };
    }
    if (reading.is !== 'event') return { ok: false, reason: `${this.parts.reader.service} has no handler for it any more` };
    const { event, from, definition } = reading;
    await this.parts.transactions.run(causeOf(event), async (open, tx) => {
      await first(tx);
      await this.parts.inbox.remember(tx, record, from);
      const unit = open(await tx.now());
      await this.call(event, unit);
      this.parts.transactions.note(unit, definition, from, event.subject, 'noted');
    });
    this.parts.handled(event);
    return { ok: true };
  }

  /** Writes a record off, in the transaction that also takes it from wherever it was. */
  async bury(record: InRecord, why: Burial, { definition, first, signal }: Grave = {}): Promise<void> {
    const subject = record.headers['ce_subject'] ?? 'installation';
    const bury = async (open: Open, tx: Tx) => {
      let now: Date | undefined;
      if (first) await first(tx);
      else if (why.from) now = (await this.parts.inbox.enter(tx, record, why.from)).now;
      else await this.parts.inbox.place(tx, record);
      const unit = open(now ?? (await tx.now()));
      const fresh = await this.parts.deadLetters.bury(unit, record, why);
      if (fresh && why.from && definition) this.parts.transactions.note(unit, definition, why.from, subject, 'dead-lettered', why.reason);
    };
    await this.parts.transactions.run({}, bury, signal);
    const { topic, partition, offset } = record;
    this.parts.logger.error({ topic, partition, offset, event: why.from?.id, reason: why.reason, detail: why.detail }, 'dead letter');
  }

  private stepOf(portion: Exclude<Portion, Many>): Step {
    return portion.is === 'one' ? this.first(portion.record, portion.reading) : this.pass(portion);
  }

  private first(record: InRecord, reading: Event | Newer | Poison): Step {
    if (reading.is === 'poison') {
      const why = { ...reading, tries: 0 };
      return { what: 'burying a record', do: (signal) => this.bury(record, why, { definition: reading.definition, signal }) };
    }
    if (reading.is === 'newer') {
      const why = {
        reason: 'newer-version' as const,
        detail: reading.detail,
        type: reading.type,
        subject: reading.subject,
      };
      return {
        what: `parking ${reading.type}`,
        do: (signal) => this.park(record, reading, why, signal),
        otherwise: (thrown, attempt) => this.afterFailure(record, reading, thrown, attempt),
      };
    }
    return {
      what: `handling ${reading.definition.name}`,
      do: (signal) => this.handle(record, reading, signal),
      otherwise: (thrown, attempt) => this.afterFailure(record, reading, thrown, attempt),
    };
  }

  private afterFailure(record: InRecord, reading: Event | Newer, thrown: unknown, attempt: number): Step {
    const { from, definition } = reading;
    const why = describe(thrown);
    if (sort(thrown) === 'not-yet' && reading.is === 'event') {
      const { subject } = reading.event;
      const parked = { reason: 'not-yet' as const, detail: why.detail, type: record.headers['ce_type'] as string, subject };
      return { what: `parking ${definition.name}`, do: (signal) => this.park(record, reading, parked, signal) };
    }
    const reason = thrown instanceof Unsure ? thrown.reason : 'handler-failed';
    const burial: Burial = { reason, ...why, tries: attempt, from };
    return { what: `burying ${definition.name}`, do: (signal) => this.bury(record, burial, { definition, signal }) };
  }

  private async handle(record: InRecord, { event, definition, from }: Event, signal: AbortSignal): Promise<void> {
    const { inbox, handoffs, transactions } = this.parts;
    const handle = async (open: Open, tx: Tx) => {
      const seen = await inbox.enter(tx, record, from);
      refuseUnsure(seen, from);
      const unit = open(seen.now);
      if (seen.fresh) await this.call(event, unit);
      else if (!event.resent) return false;
      else if ((await handoffs.answerAgain(tx, event.id)) > 0) {
        transactions.resaid(tx);
        return false;
      }
      transactions.note(unit, definition, from, event.subject, 'noted');
      return seen.fresh;
    };
    if (await transactions.run(causeOf(event), handle, signal)) this.parts.handled(event);
  }

  private async call(event: Received, unit: Parameters<Handler['handle']>[1]): Promise<void> {
    const handler = this.parts.handlers.get(event.name);
    if (!handler) throw new Error(`no handler for ${event.name}`);
    await within(this.parts.timing.handlerMs, `the handler of ${event.name}`, Promise.resolve(handler.handle(event, unit)));
  }

  private async park(record: InRecord, of: Event | Newer, why: Parameters<Parked['park']>[3], signal: AbortSignal): Promise<void> {
    const cause = { causationId: of.from.id, correlationId: record.headers['ce_correlationid'] };
    const park = async (open: Open, tx: Tx) => {
      const seen = await this.parts.inbox.enter(tx, record, of.from);
      refuseUnsure(seen, of.from);
      if (!seen.fresh) return;
      await this.parts.parked.park(tx, record, of.from, why);
      this.parts.transactions.note(open(seen.now), of.definition, of.from, why.subject, 'parked', why.detail);
    };
    await this.parts.transactions.run(cause, park, signal);
    if (why.reason === 'not-yet') this.parts.waits();
    this.parts.logger.warn({ event: of.from.id, type: why.type, reason: why.reason, detail: why.detail }, 'parked');
  }

  /** Records for others: their answers are settled, and now and then it is noted how far we are. */
  private pass({ record, answers }: Extract<Portion, { is: 'passing' }>): Step {
    const isDue = answers.length > 0 || this.places.isDue(record);
    return {
      what: 'passing records by',
      do: async (signal) => {
        if (!isDue) return this.places.passed(record);
        await this.parts.transactions.run({}, async (_, tx) => this.parts.inbox.pass(tx, record, answers), signal);
        this.places.stored(record);
      },
    };
  }

  /** Stores how far records for others were passed by, so that those at the end of a quiet partition count as heard. */
  async storePassed(): Promise<void> {
    const { transactions, inbox } = this.parts;
    await this.places.store((places) => transactions.run({}, async (_, tx) => inbox.passed(tx, places)));
  }
}

type Many = Extract<Portion, { is: 'many' }>;

/** What goes with a burial. */
interface Grave {
  /** To be told of it, as the event's handler. */
  readonly definition?: EventDefinition | undefined;
  /** Claims the record where it comes out of a table. */
  readonly first?: (tx: Tx) => Promise<void>;
  readonly signal?: AbortSignal;
}
