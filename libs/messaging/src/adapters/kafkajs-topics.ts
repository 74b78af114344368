import type { Admin, Kafka } from 'kafkajs';
import type { TopicWanted } from '../event-log.js';
import { within } from '../trouble.js';
import { protocolError } from './kafkajs-options.js';

/** Makes topics explicitly; auto creation is off, for it makes them with whatever the broker likes. */
export class KafkajsTopics {
  private readonly wanted = new Map<string, TopicWanted>();
  private repairing: Promise<void> | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly replication: number,
  ) {}

  has(name: string): boolean {
    return this.wanted.has(name);
  }

  /** @throws Error naming the topics that are missing where we may not make them. */
  async ensure(topics: readonly TopicWanted[]): Promise<void> {
    for (const topic of topics) this.wanted.set(topic.name, topic);
    await withAdmin(this.kafka, async (admin) => {
      const there = new Set(await admin.listTopics());
      const missing = topics.filter(({ name }) => !there.has(name));
      if (missing.length === 0) return;
      try {
        await admin.createTopics({ waitForLeaders: true, timeout: 10_000, topics: missing.map((topic) => this.configOf(topic)) });
      } catch (error) {
        const left = await this.stillMissing(admin, missing);
        if (left.length === 0) return; // another replica was faster
        if (protocolError(error) !== 'TOPIC_AUTHORIZATION_FAILED' && protocolError(error) !== 'CLUSTER_AUTHORIZATION_FAILED') throw error;
        throw Object.assign(new Error(`Kafka does not let us make topics; please make: ${left.join(', ')}`, { cause: error }), {
          type: protocolError(error),
        });
      }
    });
  }

  /** Makes again what somebody deleted. Callers at the same time share one attempt. */
  async repair(): Promise<void> {
    this.repairing ??= this.ensure([...this.wanted.values()]).finally(() => {
      this.repairing = undefined;
    });
    await this.repairing;
  }

  private async stillMissing(admin: Admin, topics: readonly TopicWanted[]): Promise<string[]> {
    const there = new Set(await admin.listTopics());
    return topics.map(({ name }) => name).filter((name) => !there.has(name));
  }

  private configOf({ name, partitions, retention }: TopicWanted) {
    const kept =
      retention === 'compact'
        ? [{ name: 'cleanup.policy', value: 'compact' }]
        : [
            { name: 'cleanup.policy', value: 'delete' },
            { name: 'retention.ms', value: String(retention.ms) },
          ];
    const configEntries = [
      ...kept,
      // Signatures are judged at the time the broker took a record, never at one its writer gives.
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      // kafkajs reads neither zstd, snappy nor lz4, and a small batch may unpack to a large one: the broker unpacks, and counts.
      { name: 'compression.type', value: 'uncompressed' },
    ];
    return { topic: name, numPartitions: partitions, replicationFactor: this.replication, configEntries };
  }
}

/** An admin client for one purpose; a lasting one would be one more idle connection. */
export async function withAdmin<T>(kafka: Kafka, fn: (admin: Admin) => Promise<T>, ms = 30_000): Promise<T> {
  const admin = kafka.admin();
  try {
    return await within(
      ms,
      'asking Kafka',
      (async () => {
        await admin.connect();
        return await fn(admin);
      })(),
    );
  } finally {
    void admin.disconnect().catch(() => undefined);
  }
}
