import { type EventDefinition, services } from '@slipway/contracts';
import type { Tx } from '@slipway/postgres';
import type { DeadLetters, Resolved } from './dead-letters.js';
import type { InRecord, Running, Stretch } from './event-log.js';
import type { Handoffs } from './handoffs.js';
import { Housekeeping } from './housekeeping.js';
import type { Inbox } from './inbox.js';
import type { MessagingOptions } from './messaging.js';
import type { MessagingMetrics } from './messaging.metrics.js';
import { Parked } from './parked.js';
import { Presence } from './presence.js';
import type { Handler, Received, Subscriptions } from './received.js';
import { Receiver } from './receiver.js';
import type { Timing } from './timing.js';
import { answerTopics, isHandedOffBy, type TopicNames, topicsWith } from './topic-names.js';
import type { Transactions } from './transactions.js';
import { pause } from './trouble.js';

export interface ListeningParts {
  readonly options: MessagingOptions & { readonly catalog: readonly EventDefinition[]; readonly onDied: (error: Error) => void };
  readonly timing: Timing;
  readonly topics: TopicNames;
  readonly transactions: Transactions;
  readonly inbox: Inbox;
  readonly handoffs: Handoffs;
  readonly deadLetters: DeadLetters;
  readonly metrics: MessagingMetrics;
  readonly leads: () => boolean;
  readonly wake: () => void;
}

/** So many records unread, or hand-offs unanswered by those who answer, are a queue. */
const mostUnread = 200;
const mostUnanswered = 64;
const behindForMs = 200;
/** How soon to look again whether all was heard. */
const lookAgainMs = 250;

/** A service's ears: one consumer group for all topics it has handlers for or is owed answers on. */
export class Listening {
  private readonly parked: Parked;
  private readonly presence: Presence;
  private receiver: Receiver | undefined;
  private housekeeping: Housekeeping | undefined;
  private reading: string[] = [];
  private types: string[] = [];
  private running: Running | undefined;
  /** Whether something may wait for an event that comes first; unknown at start. */
  private someWait = true;
  private behind = { askedAt: Number.NEGATIVE_INFINITY, are: false };

  constructor(private readonly parts: ListeningParts) {
    this.parked = new Parked(parts.options.database, parts.timing);
    this.presence = new Presence(parts.options.database);
  }

  /** Checks the subscriptions and builds what they need. Nothing runs yet. */
  prepare(subscriptions: Subscriptions): void {
    const { service, catalog, trust, logger } = this.parts.options;
    const subscribed = new Map<string, EventDefinition>();
    const handlers = new Map<string, Handler>();
    for (const [event, handler] of subscriptions) {
      if (subscribed.has(event.name)) throw new Error(`${service} subscribes to ${event.name} twice`);
      if (!catalog.some(({ name }) => name === event.name))
        throw new Error(`${service} subscribes to ${event.name}, which is not in the catalog`);
      subscribed.set(event.name, event);
      handlers.set(event.name, handler);
    }
    const answering = new Set(catalog.filter((event) => isHandedOffBy(service, event)).flatMap((event) => event.actedOnBy));
    const topics = new Set([...[...subscribed.values()].flatMap(topicsWith), ...answerTopics(service, catalog)]);
    this.reading = [...topics].map((topic) => this.parts.topics.of(topic)).sort();
    this.types = [...subscribed.values()].flatMap(({ name, version }) =>
      Array.from({ length: version }, (_, at) => `slipway.${name}.v${at + 1}`),
    );
    this.receiver = new Receiver({
      ...this.parts,
      reader: { service, trust, topics: this.parts.topics, subscribed, answering: new Set(services.filter((each) => answering.has(each))) },
      handlers,
      parked: this.parked,
      logger,
      handled: (event) => this.handled(event),
      waits: () => {
        this.someWait = true;
        this.housekeeping?.dueAfter(this.parts.timing.parkedFirstMs + 20);
      },
    });
    this.housekeeping = new Housekeeping(
      { ...this.parts, parked: this.parked, receiver: this.receiver, types: this.types, logger, present: () => this.present() },
      this.parts.timing.housekeepingMs,
    );
  }

  async start(): Promise<void> {
    const { options, topics, inbox } = this.parts;
    const receiver = this.prepared();
    await this.parked.wakeUnderstood(this.types);
    this.housekeeping?.start();
    if (this.reading.length === 0) return;
    await this.present().catch(() => undefined); // looks gone until the next round
    this.running = await options.log.consume({
      group: `${topics.prefix}${options.service}`,
      topics: this.reading,
      concurrency: options.concurrency ?? 3,
      positions: (assigned) => inbox.positions(assigned),
      startsOver: (partitions) => inbox.forgetPlaces(partitions),
      gone: (members) => this.presence.gone(members),
      onBatch: (records, control) => receiver.onBatch(records, control),
      onDied: options.onDied,
    });
  }

  async stop(graceMs: number): Promise<void> {
    await this.running?.stop(graceMs);
    await this.housekeeping?.stop();
  }

  async handleAgain(record: InRecord, first: (tx: Tx) => Promise<void>): Promise<Resolved> {
    return await this.prepared().handleAgain(record, first);
  }

  /** What is stored of how far we read may be another than it was. */
  reposition(): void {
    this.running?.reposition();
  }

  health(): { joined: boolean; assigned: number } {
    if (!this.running) return { joined: this.reading.length === 0, assigned: 0 };
    return this.running.health();
  }

  lag(): ReadonlyMap<string, number> {
    return this.running?.lag() ?? new Map();
  }

  /** Asked again and again, so an answer is good for a moment. */
  async isBehind(): Promise<boolean> {
    const unread = [...this.lag().values()].reduce((sum, records) => sum + records, 0);
    if (unread >= mostUnread) return true;
    if (performance.now() - this.behind.askedAt > behindForMs)
      this.behind = { askedAt: performance.now(), are: await this.parts.handoffs.areBehind(mostUnanswered) };
    return this.behind.are;
  }

  /** Waits for what is on its way until the signal. */
  async hasHeardAll(until: AbortSignal): Promise<boolean> {
    const ends = (await this.parts.options.log.ends(this.reading)).filter(({ from, to }) => from !== to);
    while (!until.aborted) {
      const places = await this.parts.inbox.positions(ends);
      const isHeard = ({ topic, partition, to }: Stretch) =>
        places.some((place) => place.topic === topic && place.partition === partition && BigInt(place.next) >= BigInt(to));
      if (ends.every(isHeard)) return true;
      await pause(lookAgainMs, until);
    }
    return false;
  }

  private async present(): Promise<void> {
    await this.presence.show(this.parts.options.log.name);
  }

  private prepared(): Receiver {
    if (!this.receiver) throw new Error(`${this.parts.options.service} is not listening: call start first`);
    return this.receiver;
  }

  private handled(event: Received): void {
    const seconds = (Date.now() - Date.parse(event.time)) / 1000;
    if (Number.isFinite(seconds)) this.parts.metrics.hop.observe({ event: event.name }, Math.max(0, seconds));
    if (!this.someWait) return;
    this.someWait = false;
    void this.parked
      .wakeSubject(event.subject)
      .then((some) => {
        this.someWait ||= some;
        if (some) this.housekeeping?.soon();
      })
      .catch(() => (this.someWait = true));
  }
}
