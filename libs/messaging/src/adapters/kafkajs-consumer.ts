import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { BatchControl, ConsumeOptions, InRecord, Running } from '../event-log.js';
import { pause, within } from '../trouble.js';
import { showOutTheGone } from './kafkajs-members.js';
import { clientWith, type KafkaOptions, protocolError, retry } from './kafkajs-options.js';
import { Places } from './kafkajs-places.js';
import { refusalOf, wordsOf } from './kafkajs-refusals.js';
import { KafkajsSockets } from './kafkajs-sockets.js';
import { withAdmin } from './kafkajs-topics.js';

/** What the log around it wants to hear. */
export interface ConsumerEvents {
  /** A sign of life of the cluster, or why there is none. */
  seen(away: string | undefined): void;
  topicsMissing(): Promise<void>;
  closed(): void;
}

const heartbeatMs = 1_500;
const usualSessionMs = 6_000;

/**
 * One member of a consumer group. What kafkajs does on its own in an error is never trusted: handlers can't throw into it, a crash it does
 * not recover from is passed on, and one it does not even notice is found by the watchdog.
 */
export class KafkajsConsumer implements Running {
  private readonly consumer: Consumer;
  private readonly places: Places;
  private readonly sockets: KafkajsSockets;
  private readonly inHand = new Map<AbortController, Promise<unknown>>();
  private assigned = 0;
  private joined = false;
  private stopping = false;
  private lastProgressAt = performance.now();
  private watchdog: NodeJS.Timeout | undefined;
  private suspicions = 0;

  constructor(
    private readonly kafka: Kafka,
    private readonly kafkaOptions: KafkaOptions,
    private readonly options: ConsumeOptions,
    private readonly events: ConsumerEvents,
  ) {
    this.sockets = new KafkajsSockets(kafkaOptions.reach);
    this.consumer = clientWith(this.sockets, kafkaOptions).consumer({
      groupId: options.group,
      allowAutoTopicCreation: false,
      sessionTimeout: kafkaOptions.sessionTimeoutMs ?? usualSessionMs,
      rebalanceTimeout: 20_000,
      heartbeatInterval: heartbeatMs,
      maxWaitTimeInMs: kafkaOptions.fetchWaitMs ?? 2_500,
      metadataMaxAge: 30_000,
      retry: { ...retry, retries: 5, restartOnFailure: async () => !this.stopping },
    });
    this.places = new Places(kafka, this.consumer, options, kafkaOptions.logger);
  }

  async start(): Promise<void> {
    this.listen();
    await this.consumer.connect();
    // kafkajs starts at the end of a topic by default and loses what was said before.
    await this.consumer.subscribe({ topics: [...this.options.topics], fromBeginning: true });
    void this.showOut().catch((error: unknown) => this.kafkaOptions.logger.debug({ err: error }, 'members that are gone are waited for'));
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: this.options.concurrency ?? 4,
      eachBatch: (payload) => this.eachBatch(payload),
    });
    const stuckMs = this.kafkaOptions.stuckMs ?? 60_000;
    this.watchdog = setInterval(() => void this.watch(stuckMs), stuckMs / 4).unref();
  }

  async stop(graceMs: number): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    clearInterval(this.watchdog);
    for (const abort of this.inHand.keys()) abort.abort();
    await Promise.race([Promise.allSettled(this.inHand.values()), pause(graceMs)]);
    await this.places.stop();
    await within(Math.max(graceMs, 3_000), 'leaving the group', this.consumer.disconnect()).catch(() => undefined);
    this.joined = false;
    this.events.closed();
  }

  reposition(): void {
    this.revoke();
    this.places.reposition();
  }

  health(): { joined: boolean; assigned: number; lastProgressAt: number } {
    return { joined: this.joined, assigned: this.assigned, lastProgressAt: this.lastProgressAt };
  }

  lag(): ReadonlyMap<string, number> {
    return this.places.lag();
  }

  private async showOut(): Promise<void> {
    const { group, gone } = this.options;
    const { clientId: self, sessionTimeoutMs = usualSessionMs } = this.kafkaOptions;
    if (!gone) return;
    const until = performance.now() + sessionTimeoutMs; // by then the broker has done it
    const waits = () => !this.joined && !this.stopping && performance.now() < until;
    await showOutTheGone(this.kafka, { group, self, gone, waits });
  }

  private listen(): void {
    const { consumer } = this;
    const alive = () => {
      this.lastProgressAt = performance.now();
      this.events.seen(undefined);
    };
    consumer.on(consumer.events.FETCH, alive);
    consumer.on(consumer.events.HEARTBEAT, alive);
    consumer.on(consumer.events.REQUEST_TIMEOUT, ({ payload }) => this.sockets.leave(payload.broker));
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.places.passed(payload);
    });
    consumer.on(consumer.events.REBALANCING, () => this.revoke());
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.revoke();
      const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, ofTopic]) =>
        ofTopic.map((partition) => ({ topic, partition })),
      );
      this.places.assigned(partitions);
      this.joined = true;
      this.assigned = partitions.length;
      alive();
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => this.crashed(payload.error, payload.restart));
  }

  private crashed(error: Error, restart: boolean): void {
    this.joined = false;
    this.revoke();
    this.events.seen(`the consumer lost Kafka: ${wordsOf(error, this.kafkaOptions)}`);
    if (this.stopping) return;
    if (protocolError(error) === 'UNKNOWN_TOPIC_OR_PARTITION') void this.events.topicsMissing().catch(() => undefined);
    // kafkajs says so and stays down for good while the process lives on. A password that was changed is read anew by the next process.
    if (!restart) this.options.onDied(refusalOf(error, this.kafkaOptions) ?? error);
  }

  private revoke(): void {
    for (const abort of this.inHand.keys()) abort.abort();
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const abort = new AbortController();
    let lost: { error: unknown } | undefined;
    const beat = async () => {
      if (lost) return;
      try {
        await payload.heartbeat();
        this.lastProgressAt = performance.now();
      } catch (error) {
        lost = { error };
        abort.abort();
      }
    };
    if (this.stopping || !(await this.places.ready(beat, abort.signal)) || payload.isStale()) {
      if (lost) throw (lost as { error: unknown }).error;
      return;
    }
    const place = this.places.open(batch);
    const control: BatchControl = {
      signal: abort.signal,
      beat,
      done: (record) => {
        if (place.isOver()) return; // the partition was given away meanwhile, and perhaps given back: this offset is of another life
        payload.resolveOffset(record.offset);
        place.done(record.offset);
      },
    };
    const work = this.work(payload, control);
    this.inHand.set(abort, work);
    const beating = setInterval(() => void beat(), heartbeatMs);
    try {
      await work;
    } finally {
      clearInterval(beating);
      this.inHand.delete(abort);
    }
    // Only an error of kafkajs's own may reach kafkajs: it then joins the group again.
    if (lost) throw (lost as { error: unknown }).error;
  }

  private async work(payload: EachBatchPayload, control: BatchControl): Promise<void> {
    const { topic, partition, messages } = payload.batch;
    try {
      const { again } = await this.options.onBatch(
        messages.map((message) => recordOf(topic, partition, message)),
        control,
      );
      if (!again || this.stopping) return;
      const resume = payload.pause();
      setTimeout(() => {
        try {
          resume();
        } catch {
          // the consumer is gone, and the pause with it
        }
      }, again.afterMs).unref();
    } catch (error) {
      this.stopping = true;
      this.options.onDied(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** A consumer that shows no life while the cluster answers others is stuck in a way kafkajs does not see (its issues 1720, 659, 1593). */
  private async watch(stuckMs: number): Promise<void> {
    if (this.stopping || performance.now() - this.lastProgressAt < stuckMs) {
      this.suspicions = 0;
      return;
    }
    this.events.seen(`the consumer shows no progress for ${Math.round((performance.now() - this.lastProgressAt) / 1000)} s`);
    try {
      await withAdmin(this.kafka, (admin) => admin.describeCluster(), 5_000);
    } catch {
      this.suspicions = 0; // Kafka itself is away: nothing to restart for
      return;
    }
    if (++this.suspicions >= 2 && !this.stopping) {
      this.options.onDied(
        new Error(
          `the consumer made no progress for ${Math.round((performance.now() - this.lastProgressAt) / 1000)} s although Kafka answers`,
        ),
      );
    }
  }
}

/** A record as kafkajs read it, in our words. */
export function recordOf(topic: string, partition: number, message: KafkaMessage): InRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    // Kafka knows headers without a value, whatever kafkajs's types say.
    if (first !== undefined && first !== null) headers[name] = first.toString();
  }
  const key = message.key === null ? null : message.key.toString('utf8');
  return { topic, partition, offset: message.offset, key, value: message.value, headers, timestamp: Number(message.timestamp) };
}
