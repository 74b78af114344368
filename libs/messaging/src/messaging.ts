import { type EventDefinition, catalog as everything, type Service } from '@slipway/contracts';
import type { Signer, Trust } from '@slipway/identity';
import { type Database, NotAdmitted } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { DeadLetters } from './dead-letters.js';
import type { EventLog } from './event-log.js';
import { Handoffs } from './handoffs.js';
import { Inbox } from './inbox.js';
import { Listening } from './listening.js';
import type { LogText } from './log-chunks.js';
import { logPublisher } from './log-publisher.js';
import { LogSpool } from './log-spool.js';
import { MessagingMetrics } from './messaging.metrics.js';
import { Outbox } from './outbox.js';
import { OwnWords } from './own-words.js';
import { Patience } from './patience.js';
import type { Cause, Subscriptions, UnitOfWork } from './received.js';
import { Relay } from './relay.js';
import { RelayShards } from './relay-shards.js';
import type { Telling } from './telling.js';
import { type Timing, usualTiming } from './timing.js';
import { ownTopics, TopicNames } from './topic-names.js';
import { Transactions } from './transactions.js';
import { pause } from './trouble.js';

/** What a service gives its messaging. */
export interface MessagingOptions {
  readonly service: Service;
  readonly database: Database;
  readonly log: EventLog;
  readonly signer: Signer;
  readonly trust: Trust;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Before every topic and group name, `slipway.` by default. */
  readonly topicPrefix?: string;
  /** Shards of the outbox; the same number in every replica. Default 8. */
  readonly shards?: number;
  /** Partitions of a topic that does not exist yet. Default 4. */
  readonly partitions?: number;
  /** Partitions worked on at once; each needs a connection of the pool meanwhile. Default 3. */
  readonly concurrency?: number;
  /** Every event there is; contracts' catalog unless a test has its own. */
  readonly catalog?: readonly EventDefinition[];
  /** Where log chunks wait on disk until Kafka has them. Without it `appendLog` throws. `maxBytes` is 64 MiB by default. */
  readonly spool?: { readonly dir: string; readonly maxBytes?: number };
  /** How long it is remembered which events were seen, in days: longer than any topic keeps its records. Default 30. */
  readonly inboxDays?: number;
  /** How many dead letters of nobody's are told of; another only in tests. */
  readonly telling?: Telling;
  readonly timing?: Partial<Timing>;
  /** It ended for good by itself: the process should say so and exit 1. By default the error is thrown where nobody catches it. */
  readonly onDied?: (error: Error) => void;
}

/** A shard whose owner died is asked for so often at most, by whoever has something to publish. */
const askForShardsMs = 1_000;

/** A service's mouth and ears. Its tables are made by `messagingMigrations`, which must have run. */
export class Messaging {
  /** What no handler could take. */
  readonly deadLetters: DeadLetters;
  private readonly relay: Relay;
  private readonly shards: RelayShards;
  private readonly transactions: Transactions;
  private readonly topics: TopicNames;
  private readonly listening: Listening;
  private readonly ownWords: OwnWords;
  private readonly spool: LogSpool | undefined;
  private forget: () => void = () => undefined;
  private died: Error | undefined;
  private started = false;
  private stopped = false;

  constructor(private readonly options: MessagingOptions) {
    const { service, database, log, signer, logger } = options;
    const timing = { ...usualTiming, ...options.timing };
    const catalog = options.catalog ?? [...everything.values()];
    this.topics = new TopicNames(options.topicPrefix ?? 'slipway.');
    this.shards = new RelayShards(database, options.shards ?? 8, Math.min(timing.pollMs, askForShardsMs));
    const metrics = new MessagingMetrics(options.registry, database, () => this.listening.lag());
    this.relay = new Relay(
      {
        ...{ database, log, shards: this.shards, topics: this.topics, logger },
        published: (count) => metrics.published.inc(count),
        doubted: (error) => this.die(error),
      },
      timing.pollMs,
    );
    const speaker = { service, topics: this.topics, shards: options.shards ?? 8, outbox: new Outbox(signer, timing.resendFirstMs) };
    this.transactions = new Transactions(database, speaker, (shards) => this.wake(shards));
    this.deadLetters = new DeadLetters(
      database,
      service,
      (record, first) => this.listening.handleAgain(record, first),
      metrics.deadLetters,
      options.telling,
    );
    const patience = new Patience(2 * timing.resendFirstMs);
    this.listening = new Listening({
      options: { ...options, catalog, onDied: (error) => this.die(error) },
      timing,
      topics: this.topics,
      transactions: this.transactions,
      inbox: new Inbox(database, this.topics, { keptDays: options.inboxDays ?? 30, freshMs: timing.unforgettableMs }, patience),
      handoffs: new Handoffs(database, timing, patience),
      deadLetters: this.deadLetters,
      metrics,
      leads: () => this.shards.owns(0),
      wake: () => this.relay.wake(),
    });
    this.ownWords = new OwnWords({
      ...options,
      prefix: this.topics.prefix,
      topics: [...ownTopics(service, catalog)].map((topic) => this.topics.of(topic)),
      older: (older) => metrics.older.set(older ? 1 : 0),
      changed: () => this.listening.reposition(),
    });
    const send = logPublisher({ service, log, signer, topics: this.topics });
    this.spool =
      options.spool && new LogSpool({ dir: options.spool.dir, maxBytes: options.spool.maxBytes ?? 64 * 1024 * 1024, send, logger });
  }

  /**
   * One transaction that may say events, for what no event started: HTTP, timers, operations. Where an event did lead to it, `cause` makes
   * what is said an answer to that event. Throws what `fn` throws, `CommitUnknown` when nobody knows whether it was committed, and `NotAdmitted` between
   * `start` and the moment when it is known that the database knows all that was said.
   */
  async transact<T>(fn: (unit: UnitOfWork) => Promise<T>, cause: Cause = {}): Promise<T> {
    if (this.started && !this.ownWords.letIn) throw new NotAdmitted(this.ownWords.trouble);
    return await this.transactions.transact(cause, fn);
  }

  /**
   * Makes missing topics, finds that the database knows all that was said, then relays, listens and keeps house until `stop`. Waits, at growing
   * intervals, while Kafka is away, and for as long as the database is older than what was said (docs/adr/0020). `admitted` is called when it is known
   * not to be: from then on anything may be done and said, though it may take seconds until the group lets us in.
   * @throws Error when an event is subscribed to twice or its name is not in the catalog, and when stopped before it may begin.
   */
  async start(subscriptions: Subscriptions = new Map(), admitted: () => void = () => undefined): Promise<void> {
    this.started = true;
    this.listening.prepare(subscriptions);
    await this.spool?.start();
    await this.options.log.ensureTopics(this.topics.wanted(this.options.partitions ?? 4));
    await this.ownWords.stand();
    if (!this.ownWords.letIn) throw new Error('told to stop before the database was known to know all that was said');
    if (this.stopped) return;
    this.forget = this.options.database.listen('outbox', () => this.relay.wake());
    this.relay.start();
    admitted();
    await this.listening.start();
  }

  /** Finishes what is in hand, publishes what was said, leaves the group and lets go of the locks; within the grace. */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    this.ownWords.stop();
    const end = performance.now() + graceMs;
    const left = () => Math.max(100, end - performance.now());
    await this.listening.stop(left() * 0.6);
    this.forget();
    // What a database that may be older holds unsaid is not to be said.
    if (!this.started || this.ownWords.letIn) await Promise.race([this.relay.drain(), pause(left() * 0.5)]);
    await Promise.race([this.relay.stop(), pause(left() * 0.5)]);
    await this.spool?.stop(left() * 0.5);
    await this.shards.release();
  }

  /** Takes text of a build's or container's log; it reaches the topic `logs` in numbered chunks, later when Kafka is away. Never waits. */
  appendLog(said: LogText): void {
    if (!this.spool) throw new Error('appendLog needs the option `spool`: the folder where chunks wait for Kafka');
    this.spool.append(said);
  }

  /** Waits until every chunk appended so far is in Kafka. */
  async flushLogs(signal?: AbortSignal): Promise<void> {
    await this.spool?.flush(signal);
  }

  /**
   * Whether others are behind with what this service said, or it with what it hears. Who can choose begins nothing new then: what it would say only makes
   * their queue longer, and what they do not come to is work that others could have been given.
   */
  async isBehind(): Promise<boolean> {
    return await this.listening.isBehind();
  }

  /**
   * Whether all that was said before this was called is handled here, in whichever replica of this service; what is on its way is waited for until the
   * signal. What is parked or a dead letter counts as heard. Throws where the log is away.
   */
  async hasHeardAll(until: AbortSignal): Promise<boolean> {
    return await this.listening.hasHeardAll(until);
  }

  /** For /health/ready: whether it can speak and hear, and if not, why. */
  health(): { readonly ready: boolean; readonly reasons: readonly string[]; readonly relayedShards: number; readonly assigned: number } {
    const log = this.options.log.health();
    const ears = this.listening.health();
    const reasons: string[] = [];
    if (this.died) reasons.push(`messaging ended: ${this.died.message}`);
    if (!log.connected) reasons.push(`kafka: ${log.reason ?? 'not connected'}`);
    if (this.started && this.ownWords.trouble !== undefined) reasons.push(this.ownWords.trouble);
    else if (!ears.joined) reasons.push('kafka: not yet a member of its consumer group');
    return { ready: reasons.length === 0, reasons, relayedShards: this.shards.owned().length, assigned: ears.assigned };
  }

  private wake(shards: ReadonlySet<number>): void {
    // Another replica relays some of it: one debounced NOTIFY tells all, and this process at once.
    if ([...shards].every((shard) => this.shards.owns(shard))) this.relay.wake();
    else this.options.database.notify('outbox');
  }

  private die(error: Error): void {
    this.died = error;
    this.options.logger.fatal({ err: error }, 'messaging ended by itself; this process must be restarted');
    const tell =
      this.options.onDied ??
      (() => {
        throw error;
      });
    setImmediate(() => tell(error));
  }
}
