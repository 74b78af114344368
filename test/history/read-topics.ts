import { services, topics } from '@slipway/contracts';
import { Kafka, logLevel } from 'kafkajs';
import { v7 } from 'uuid';
import type { Place, TopicRecord } from './history.ts';

export interface Log {
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
}

export interface ReadTopics {
  readonly records: readonly TopicRecord[];
  readonly places: readonly Place[];
  /** Partitions that were not read to their end, in words. */
  readonly gaps: readonly string[];
}

/** How long nothing may come before what was not read is given up. */
const patienceMs = 15_000;

/** Every record of every topic of a suite from its first offset to where it ends now, and how far each service had read then. */
export async function readTopics({ kafkaBrokers, topicPrefix }: Log): Promise<ReadTopics> {
  const kafka = new Kafka({ clientId: 'witness', brokers: [...kafkaBrokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const names = await topicsOf(admin, topicPrefix);
    const places = await placesOf(admin, names, topicPrefix);
    const ends = endsOf(places);
    const group = `${topicPrefix}witness-${v7()}`;
    const records = await readAll(kafka, group, names, topicPrefix, ends);
    await admin.deleteGroups([group]).catch(() => undefined);
    const gaps = [...ends.values()]
      .filter(({ next, end }) => next < end)
      .map(({ topic, partition, next, end }) => `${topic}[${partition}] was read to ${next} of ${end}`);
    return { records: records.toSorted(byPlace), places, gaps };
  } finally {
    await admin.disconnect();
  }
}

type Admin = ReturnType<Kafka['admin']>;
interface End {
  readonly topic: string;
  readonly partition: number;
  readonly end: number;
  next: number;
}

/** By name: whoever asks for all topics of a broker waits for those of others, too. A topic that was never made is left out. */
export async function topicsOf(admin: Admin, topicPrefix: string): Promise<string[]> {
  const names: string[] = [];
  for (const topic of Object.keys(topics).toSorted()) {
    const name = `${topicPrefix}${topic}`;
    try {
      await admin.fetchTopicOffsets(name);
      names.push(name);
    } catch (error) {
      const { type, cause } = error as { type?: string; cause?: { type?: string } };
      if ((type ?? cause?.type) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    }
  }
  return names;
}

async function placesOf(admin: Admin, names: readonly string[], topicPrefix: string): Promise<Place[]> {
  const places: Place[] = [];
  const partitions = new Map<string, { first: number; end: number }>();
  for (const topic of names) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
      partitions.set(`${topic} ${partition}`, { first: Number(low), end: Number(high) });
  }
  for (const service of services) {
    for (const { topic, partitions: read } of await admin.fetchOffsets({ groupId: `${topicPrefix}${service}`, topics: [...names] })) {
      for (const { partition, offset } of read) {
        const known = partitions.get(`${topic} ${partition}`);
        if (known) places.push({ service, topic: topic.slice(topicPrefix.length), partition, committed: Number(offset), ...known });
      }
    }
  }
  return places;
}

function endsOf(places: readonly Place[]): Map<string, End> {
  return new Map(places.map(({ topic, partition, first, end }) => [`${topic} ${partition}`, { topic, partition, end, next: first }]));
}

async function readAll(kafka: Kafka, group: string, names: string[], topicPrefix: string, ends: Map<string, End>): Promise<TopicRecord[]> {
  const records: TopicRecord[] = [];
  const consumer = kafka.consumer({ groupId: group, maxBytesPerPartition: 4 << 20, maxBytes: 32 << 20, retry: { retries: 10 } });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: names, fromBeginning: true });
    let progress = Date.now();
    const left = () => [...ends.values()].some(({ next, end }) => next < end);
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch }) => {
        const topic = batch.topic.slice(topicPrefix.length);
        const place = ends.get(`${topic} ${batch.partition}`);
        for (const message of batch.messages) {
          const offset = Number(message.offset);
          // A batch that is delivered again, as after a rebalance, is read once.
          if (place === undefined || offset < place.next || offset >= place.end) continue;
          records.push(recordOf(topic, batch.partition, offset, message));
          place.next = offset + 1;
        }
        if (place !== undefined) place.next = Math.max(place.next, Number(batch.lastOffset()) + 1);
        progress = Date.now();
      },
    });
    while (left() && Date.now() - progress < patienceMs) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await consumer.disconnect();
  }
  return records;
}

interface Message {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
  readonly headers?: Record<string, Buffer | string | (Buffer | string)[] | undefined>;
}

function recordOf(topic: string, partition: number, offset: number, message: Message): TopicRecord {
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [
    name,
    String(Array.isArray(value) ? value[0] : (value ?? '')),
  ]);
  const { key, value, timestamp } = message;
  return {
    topic,
    partition,
    offset,
    key: key === null ? null : key.toString('utf8'),
    headers: Object.fromEntries(headers) as Record<string, string>,
    value,
    at: Number(timestamp),
  };
}

function byPlace(one: TopicRecord, other: TopicRecord): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1;
  return one.partition - other.partition || one.offset - other.offset;
}
