import { type ICustomPartitioner, Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import {
  type ConsumeOptions,
  type EventLog,
  type OutRecord,
  type Place,
  PublishFailed,
  type ReadOnceOptions,
  type Running,
  type Stretch,
  type TopicWanted,
} from '../event-log.js';
import { nameOf } from '../name-of.js';
import { backOff, pause, within } from '../trouble.js';
import { KafkajsConsumer } from './kafkajs-consumer.js';
import { clientWith, type KafkaOptions, kafkaConfig, protocolError, retry } from './kafkajs-options.js';
import { refusalOf, wordsOf } from './kafkajs-refusals.js';
import { KafkajsSockets } from './kafkajs-sockets.js';
import { endsOf, readStretches } from './kafkajs-stretches.js';
import { KafkajsTopics } from './kafkajs-topics.js';

/** A broker refuses a batch of one partition above 1 MiB as a whole, so no request carries more. */
const mostRequestBytes = 900_000;
const publishMs = 30_000;

/** Errors that come again with the same record, as opposed to a cluster that has trouble. */
const refusals = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'CORRUPT_MESSAGE',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'POLICY_VIOLATION',
]);

/** Kafka by way of kafkajs 2.2.4, with its known traps closed (facts/reliability.md 2.11). No type of it leaves this folder. */
export class KafkajsEventLog implements EventLog {
  private readonly kafka: Kafka;
  private readonly sockets: KafkajsSockets;
  private readonly topics: KafkajsTopics;
  private readonly consumers = new Set<KafkajsConsumer>();
  private readonly partitions = new WeakMap<Message, number>();
  private readonly closed = new AbortController();
  private producer: Promise<Producer> | undefined;
  private away: string | undefined = 'not connected yet';

  constructor(private readonly options: KafkaOptions) {
    this.kafka = new Kafka(kafkaConfig(options));
    this.sockets = new KafkajsSockets(options.reach);
    this.topics = new KafkajsTopics(this.kafka, options.replication ?? -1);
  }

  get name(): string {
    return this.options.clientId;
  }

  async publish(records: readonly OutRecord[]): Promise<readonly Place[]> {
    const places = new Map<string, Place>();
    for (const request of requestsOf(records)) {
      for (const place of await this.send(request)) places.set(nameOf(place), place);
    }
    return [...places.values()];
  }

  async ends(topics: readonly string[]): Promise<readonly Stretch[]> {
    return await endsOf(this.kafka, topics);
  }

  async readOnce(options: ReadOnceOptions): Promise<void> {
    await readStretches(this.kafka, options);
  }

  async ensureTopics(wanted: readonly TopicWanted[]): Promise<void> {
    await this.patiently('making topics', () => this.topics.ensure(wanted));
  }

  async consume(options: ConsumeOptions): Promise<Running> {
    return await this.patiently('joining the group', async () => {
      const consumer = new KafkajsConsumer(this.kafka, this.options, options, {
        seen: (away) => (this.away = away),
        topicsMissing: () => this.topics.repair(),
        closed: () => this.consumers.delete(consumer),
      });
      this.consumers.add(consumer);
      try {
        await consumer.start();
      } catch (error) {
        await consumer.stop(0);
        throw error;
      }
      return consumer;
    });
  }

  health(): { connected: boolean; reason?: string } {
    return { connected: this.away === undefined, reason: this.away };
  }

  async close(): Promise<void> {
    this.closed.abort();
    await Promise.all([...this.consumers].map((consumer) => consumer.stop(2_000)));
    await this.drop();
  }

  private async send(records: readonly OutRecord[]): Promise<Place[]> {
    try {
      return await this.trySend(records);
    } catch (error) {
      if (protocolError(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw this.failed(error);
      try {
        // Somebody deleted a topic under us. What it held is said again by those who are owed answers.
        await this.topics.repair();
        return await this.trySend(records);
      } catch (again) {
        const known = records.every(({ topic }) => this.topics.has(topic));
        throw !known && protocolError(again) === 'UNKNOWN_TOPIC_OR_PARTITION' ? new PublishFailed('refused', again) : this.failed(again);
      }
    }
  }

  private async trySend(records: readonly OutRecord[]): Promise<Place[]> {
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    const topicMessages = [...byTopic].map(([topic, ofTopic]) => ({
      topic,
      messages: ofTopic.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
    }));
    try {
      const producer = await this.connected();
      const taken = await within(publishMs, 'publishing', producer.sendBatch({ acks: -1, timeout: 8_000, topicMessages }));
      this.away = undefined;
      return taken.flatMap(({ topicName: topic, partition, baseOffset = '-1' }) => {
        const ofTopic = topicMessages.find((each) => each.topic === topic)?.messages ?? [];
        const count = ofTopic.filter((message) => this.partitions.get(message) === partition).length;
        // Kafka gives no offset for a batch that it had taken before.
        return BigInt(baseOffset) < 0n ? [] : [{ topic, partition, next: (BigInt(baseOffset) + BigInt(count)).toString() }];
      });
    } catch (error) {
      // After an error an idempotent producer may be out of step with the broker for ever; a new one never is.
      await this.drop();
      throw error;
    }
  }

  private failed(error: unknown): PublishFailed {
    const type = protocolError(error);
    const why = type !== undefined && refusals.has(type) ? 'refused' : 'unavailable';
    if (why === 'unavailable') this.away = wordsOf(error, this.options);
    return new PublishFailed(why, refusalOf(error, this.options) ?? error);
  }

  private async connected(): Promise<Producer> {
    this.producer ??= (async () => {
      const producer = clientWith(this.sockets, this.options).producer({
        idempotent: true,
        allowAutoTopicCreation: false,
        createPartitioner: () => this.remembering(Partitioners.DefaultPartitioner()),
        metadataMaxAge: 60_000,
        retry: { ...retry, retries: 4 },
      });
      producer.on(producer.events.REQUEST_TIMEOUT, ({ payload }) => this.sockets.leave(payload.broker));
      await producer.connect();
      return producer;
    })();
    return await this.producer;
  }

  /** kafkajs tells where the first record of a batch went, and not which records the batch had. */
  private remembering(partitioner: ReturnType<ICustomPartitioner>): ReturnType<ICustomPartitioner> {
    return (args) => {
      const partition = partitioner(args);
      this.partitions.set(args.message, partition);
      return partition;
    };
  }

  private async drop(): Promise<void> {
    const producer = this.producer;
    this.producer = undefined;
    await producer?.then((each) => within(2_000, 'disconnecting', each.disconnect())).catch(() => undefined);
  }

  /** Until it works, or fails for a reason that time does not cure, or we are closed. */
  private async patiently<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await work();
        this.away = undefined;
        return result;
      } catch (error) {
        this.away = `${what}: ${wordsOf(error, this.options)}`;
        const refusal = refusalOf(error, this.options);
        if (refusal) throw refusal;
        if (this.closed.signal.aborted || protocolError(error)?.endsWith('AUTHORIZATION_FAILED')) throw error;
        if (attempt % 10 === 3) this.options.logger.warn({ err: error, brokers: this.options.brokers }, `Kafka is away: ${this.away}`);
        await pause(backOff(attempt, 200, 5_000), this.closed.signal);
        if (this.closed.signal.aborted) throw error;
      }
    }
  }
}

/** In order, each small enough for a broker. */
function* requestsOf(records: readonly OutRecord[]): Generator<OutRecord[]> {
  let request: OutRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size =
      record.value.length + record.key.length + 500 + Object.values(record.headers).reduce((sum, value) => sum + value.length + 30, 0);
    if (request.length > 0 && bytes + size > mostRequestBytes) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(record);
    bytes += size;
  }
  if (request.length > 0) yield request;
}
