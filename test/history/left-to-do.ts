import { services } from '@slipway/contracts';
import { Database, schemaOf } from '@slipway/postgres';
import { Kafka, logLevel } from 'kafkajs';
import { topicsOf } from './read-topics.ts';

/** Operations that watch something for as long as it is there, and so are never done. */
export const watches: readonly string[] = ['audit-link', 'guard', 'poll', 'request-clock', 'secret-look'];

/** What a suite has left to do, by what: from its tables and its consumer groups, not from what it says of itself. */
export type Left = Record<string, number>;

/** Empty when promise 6 holds. Look again for a minute: work that is in hand counts. */
export async function leftToDo(at: { databaseUrl: string; kafkaBrokers: readonly string[]; topicPrefix: string }): Promise<Left> {
  const left: Left = {};
  for (const service of services) {
    const database = await Database.connect({ url: at.databaseUrl, schema: schemaOf(service), applicationName: 'test' });
    try {
      const [found] = await database.query<Left>(
        `select (select count(*)::int from outbox where published_at is null) as "to be said",
           (select count(*)::int from handoff) as "to be answered",
           (select count(*)::int from parked where source = any($2)) as "put off",
           (select count(*)::int from operation where state = 'exhausted') as "given up",
           (select count(*)::int from operation where state in ('ready', 'running') and kind <> all($1)) as "in work",
           (select count(*)::int from operation where state = 'running' and due_at < now()) as "leases nobody took over",
           (select count(*)::int from operation where state = 'ready' and due_at < now() - interval '10 s') as "overdue"`,
        [watches, services],
      );
      for (const [what, count] of Object.entries(found ?? {})) if (count > 0) left[`${service}: ${what}`] = count;
    } finally {
      await database.close();
    }
  }
  return { ...left, ...(await unread(at.kafkaBrokers, at.topicPrefix)) };
}

/** Records the service's groups have not dealt with, as the brokers know it. */
async function unread(brokers: readonly string[], topicPrefix: string): Promise<Left> {
  const admin = new Kafka({ clientId: 'left-to-do', brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const left: Left = {};
    const ends = new Map<string, Map<number, number>>();
    for (const topic of await topicsOf(admin, topicPrefix)) {
      const partitions = await admin.fetchTopicOffsets(topic);
      ends.set(topic, new Map(partitions.map(({ partition, high }) => [partition, Number(high)])));
    }
    for (const service of services) {
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId: `${topicPrefix}${service}` })) {
        // -1: nothing was ever committed there.
        const behind = partitions.map(({ partition, offset }) => (ends.get(topic)?.get(partition) ?? 0) - Math.max(0, Number(offset)));
        const count = behind.reduce((sum, each) => sum + each, 0);
        if (count > 0) left[`${service}: unread of ${topic}`] = count;
      }
    }
    return left;
  } finally {
    await admin.disconnect();
  }
}
