import { defineEvent, EventDeadLettered, type EventDefinition, EventNoted, LogAppended, type Service } from '@slipway/contracts';
import { Database, schemaOf } from '@slipway/postgres';
import { aDatabase, aKeyRing, aTopicPrefix, realParts, type TestDatabase, type TestKeyRing } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { KafkajsEventLog } from './adapters/kafkajs-event-log.js';
import type { EventLog, InRecord, OutRecord } from './event-log.js';
import { Messaging, type MessagingOptions } from './messaging.js';
import { messagingMigrations } from './migrations/index.js';
import type { Handler, Received } from './received.js';
import type { Timing } from './timing.js';

/** source-watcher orders, image-builder must act on it and may serve. */
export const Ordered = defineEvent({
  name: 'test.ordered',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'release',
  actedOnBy: ['image-builder'],
  data: z.object({ what: z.string(), many: z.int().optional() }),
});
export const Served = defineEvent({
  name: 'test.served',
  writer: 'image-builder',
  topic: 'builds',
  about: 'release',
  data: z.object({ what: z.string() }),
});
/** What only informs: nobody is owed an answer. */
export const Told = defineEvent({
  name: 'test.told',
  writer: 'source-watcher',
  topic: 'commits',
  about: 'release',
  data: z.object({ what: z.string() }),
});
/** From outside, with a proof of its own. */
export const Posted = defineEvent({
  name: 'test.posted',
  writer: 'outside',
  topic: 'sign-offs',
  about: 'release',
  data: z.object({ proof: z.string() }),
});

export const testCatalog: EventDefinition[] = [Ordered, Served, Told, Posted, EventNoted, EventDeadLettered, LogAppended];

/** Waits short enough for a test. */
export const quick: Partial<Timing> = {
  pollMs: 100,
  housekeepingMs: 150,
  resendFirstMs: 400,
  resendMostMs: 1_000,
  retryInPlaceMs: 600,
  pauseMs: 200,
  handlerMs: 1_500,
  parkedFirstMs: 150,
};

export interface TestService {
  readonly messaging: Messaging;
  readonly database: Database;
  readonly log: KafkajsEventLog;
  readonly registry: Registry;
  readonly died: Error[];
}

/** Two services over a real Kafka and a real Postgres, and an outside view of both. */
export class TwoServices {
  readonly prefix = aTopicPrefix();
  private readonly brokers = realParts().kafkaBrokers;
  private readonly kafka = new Kafka({ brokers: [...this.brokers], logLevel: logLevel.NOTHING });
  readonly admin = this.kafka.admin();
  private readonly open: TestService[] = [];

  private constructor(
    readonly postgres: TestDatabase,
    readonly ring: TestKeyRing,
  ) {}

  static async build(): Promise<TwoServices> {
    const scene = new TwoServices(await aDatabase(), await aKeyRing());
    await scene.admin.connect();
    return scene;
  }

  /** A replica of a service. `url` and `reach` for those that go through a proxy. */
  async replica(
    service: Service,
    more: Partial<MessagingOptions> & { url?: string; reach?: { host: string; port: number } } = {},
  ): Promise<TestService> {
    const { url, reach, ...options } = more;
    const database = await Database.connect({ url: url ?? this.postgres.url, schema: schemaOf(service), applicationName: service });
    await database.migrate(messagingMigrations, 'messaging');
    const logger = pino({ level: 'silent' });
    const log = new KafkajsEventLog({ brokers: this.brokers, clientId: service, logger, fetchWaitMs: 200, reach: reach && (() => reach) });
    const died: Error[] = [];
    const registry = new Registry();
    const messaging = new Messaging({
      service,
      database,
      log,
      registry,
      logger,
      signer: this.ring.keys[service].signer,
      trust: this.ring.trust,
      topicPrefix: this.prefix,
      partitions: 2,
      catalog: testCatalog,
      timing: quick,
      onDied: (error) => died.push(error),
      ...options,
    });
    const made = { messaging, database, log, registry, died };
    this.open.push(made);
    return made;
  }

  /** What lies on a topic, read from outside. */
  async read(topic: string): Promise<InRecord[]> {
    const log: EventLog = new KafkajsEventLog({
      brokers: this.brokers,
      clientId: 'reader',
      logger: pino({ level: 'silent' }),
      fetchWaitMs: 200,
    });
    const offsets = await this.admin.fetchTopicOffsets(this.prefix + topic);
    const wanted = offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
    const found: InRecord[] = [];
    let enough = () => {};
    const all = new Promise<void>((resolve) => (enough = resolve));
    if (wanted === 0) return [];
    const running = await log.consume({
      group: `${this.prefix}reader-${Math.random()}`,
      topics: [this.prefix + topic],
      onBatch: async (records, control) => {
        for (const record of records) {
          found.push(record);
          control.done(record);
        }
        if (found.length >= wanted) enough();
        return {};
      },
      onDied: () => undefined,
    });
    await all;
    await running.stop(500);
    await log.close();
    return found;
  }

  /** Writes to Kafka as somebody who can do just that. */
  async forge(records: (Omit<OutRecord, 'value'> & { value: Buffer | null })[]): Promise<void> {
    const producer = this.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (const { topic, ...message } of records) {
      await producer.send({ topic: this.prefix + topic, messages: [{ ...message, headers: { ...message.headers } }] });
    }
    await producer.disconnect();
  }

  async rows<T = Record<string, unknown>>(service: Service, sql: string, params: unknown[] = []): Promise<T[]> {
    return await this.postgres.query<T>(sql.replaceAll('$schema', schemaOf(service)), params);
  }

  async stop(service: TestService): Promise<void> {
    this.open.splice(this.open.indexOf(service), 1);
    await service.messaging.stop(3_000);
    await service.log.close();
    await service.database.close();
  }

  async demolish(): Promise<void> {
    await Promise.all([...this.open].map((service) => this.stop(service)));
    await this.admin.deleteTopics({ topics: (await this.admin.listTopics()).filter((topic) => topic.startsWith(this.prefix)) });
    const { groups } = await this.admin.listGroups();
    const mine = groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(this.prefix));
    await this.admin.deleteGroups(mine).catch(() => undefined); // one that still has members goes by itself, later
    await this.admin.disconnect();
    await this.postgres.drop();
    await this.ring.drop();
  }
}

/** Subscriptions that keep what they heard. */
export function hearing(heard: Received[], ...events: EventDefinition[]): Map<EventDefinition, Handler> {
  return new Map(events.map((event) => [event, { handle: async (received: Received) => void heard.push(received) }]));
}
