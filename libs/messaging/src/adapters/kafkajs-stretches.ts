import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { ReadOnceOptions, Stretch } from '../event-log.js';
import { nameOf } from '../name-of.js';
import { within } from '../trouble.js';
import { recordOf } from './kafkajs-consumer.js';
import { protocolError, retry } from './kafkajs-options.js';
import { withAdmin } from './kafkajs-topics.js';

/** Without a sign of progress for so long, in ms, the reading is given up, to be begun anew. */
const stuckMs = 20_000;

/**
 * Reads stretches of partitions once. kafkajs reads in groups only, so this is a group of one for a moment, which commits nothing and is deleted.
 * @throws Error when Kafka goes away meanwhile or shows nothing, and what `onBatch` throws.
 */
export async function readStretches(kafka: Kafka, { group, stretches, onBatch, signal }: ReadOnceOptions): Promise<void> {
  if (stretches.length === 0) return;
  const consumer = kafka.consumer({
    groupId: group,
    allowAutoTopicCreation: false,
    sessionTimeout: 10_000,
    heartbeatInterval: 1_500,
    maxWaitTimeInMs: 500,
    retry: { ...retry, retries: 5, restartOnFailure: async () => false },
  });
  try {
    await new Reading(consumer, stretches, onBatch).run(signal);
  } finally {
    await within(3_000, 'leaving the group', consumer.disconnect()).catch(() => undefined);
    // One that lists nothing as its own goes by itself, where we may not delete it.
    await withAdmin(kafka, (admin) => admin.deleteGroups([group]), 3_000).catch(() => undefined);
  }
}

/** Where each partition of these topics begins and ends. A topic that is not there has none. */
export async function endsOf(kafka: Kafka, topics: readonly string[]): Promise<Stretch[]> {
  return await withAdmin(kafka, async (admin) => {
    const there = new Set(await admin.listTopics());
    const found: Stretch[] = [];
    for (const topic of topics.filter((each) => there.has(each))) {
      try {
        for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) found.push({ topic, partition, from: low, to: high });
      } catch (error) {
        if (protocolError(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error; // deleted a moment ago
      }
    }
    return found;
  });
}

class Reading {
  private readonly left: Map<string, Stretch>;
  private progressAt = performance.now();
  private end: (failure?: unknown) => void = () => undefined;

  constructor(
    private readonly consumer: Consumer,
    private readonly stretches: readonly Stretch[],
    private readonly onBatch: ReadOnceOptions['onBatch'],
  ) {
    this.left = new Map(stretches.map((each) => [nameOf(each), each]));
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.end = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    ended.catch(() => undefined);
    const stop = () => this.end(new Error('told to stop'));
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    const watch = setInterval(() => this.watch(), stuckMs / 10);
    try {
      this.listen();
      await this.consumer.connect();
      await this.consumer.subscribe({ topics: [...new Set(this.stretches.map(({ topic }) => topic))], fromBeginning: true });
      await this.consumer.run({ autoCommit: false, eachBatch: (payload) => this.eachBatch(payload) });
      await ended;
    } finally {
      clearInterval(watch);
      signal?.removeEventListener('abort', stop);
    }
  }

  private listen(): void {
    const { consumer } = this;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
        for (const partition of partitions) {
          const wanted = this.left.get(nameOf({ topic, partition }));
          if (wanted) consumer.seek({ topic, partition, offset: wanted.from });
          else consumer.pause([{ topic, partitions: [partition] }]);
        }
      }
    });
    // Told also of batches that compaction has emptied.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) =>
      this.reached(topic, partition, lastOffset),
    );
    consumer.on(consumer.events.CRASH, ({ payload }) => this.end(payload.error));
  }

  private async eachBatch({ batch, heartbeat }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    const wanted = this.left.get(nameOf({ topic, partition }));
    if (!wanted) return;
    const [from, to] = [BigInt(wanted.from), BigInt(wanted.to)];
    const these = batch.messages.filter(({ offset }) => BigInt(offset) >= from && BigInt(offset) < to);
    try {
      await this.onBatch(these.map((message) => recordOf(topic, partition, message)));
    } catch (error) {
      this.left.delete(nameOf({ topic, partition }));
      this.end(error);
    }
    await heartbeat();
  }

  private reached(topic: string, partition: number, lastOffset: string): void {
    const wanted = this.left.get(nameOf({ topic, partition }));
    if (!wanted) return;
    this.progressAt = performance.now();
    const next = BigInt(lastOffset) + 1n;
    if (next < BigInt(wanted.to)) {
      // Where it goes on should the group be joined again.
      if (next > BigInt(wanted.from)) this.left.set(nameOf({ topic, partition }), { ...wanted, from: next.toString() });
      return;
    }
    this.left.delete(nameOf({ topic, partition }));
    this.consumer.pause([{ topic, partitions: [partition] }]);
    if (this.left.size === 0) this.end();
  }

  private watch(): void {
    if (performance.now() - this.progressAt > stuckMs)
      this.end(new Error(`Kafka shows nothing of ${[...this.left.keys()].join(', ')} although there is something to read`));
  }
}
