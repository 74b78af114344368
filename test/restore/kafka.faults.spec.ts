import { topics } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leftToDo } from '../history/index.ts';
import { type Lane, RestorableSuite } from './a-restorable-suite.js';
import { bring, lanesOf, type Stage, serves, settled } from './lanes.js';

let suite: RestorableSuite;
let lanes: Map<Stage, Lane>;
let round = 1;

beforeAll(async () => {
  suite = await RestorableSuite.start('24500-24999');
  lanes = await lanesOf(suite, ['asked', 'building', 'rolling']);
}, 400_000);
afterAll(() => suite?.clear(), 180_000);

async function withTopics<T>(fn: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ clientId: 'operator', brokers: suite.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await fn(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Deletes a topic and makes it anew, as it was. */
const lose = (topic: string) =>
  withTopics(async (admin) => {
    const { configEntries } = (await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic }] }))
      .resources[0] as { configEntries: { configName: string; configValue: string }[] };
    const kept = configEntries.filter(({ configName }) => ['cleanup.policy', 'retention.ms'].includes(configName));
    // The client asks about it once more when it is gone, and is told that it is.
    await admin.deleteTopics({ topics: [topic] }).catch(() => undefined);
    await eventually(async () => !(await admin.listTopics()).includes(topic), { within: 20_000 });
    await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: 4,
          replicationFactor: 1,
          configEntries: kept.map(({ configName: name, configValue: value }) => ({ name, value })),
        },
      ],
    });
  });

const drained = () =>
  eventually(
    async () => {
      const left = await leftToDo({ databaseUrl: suite.postgres.url, kafkaBrokers: suite.kafka.brokers, topicPrefix: suite.topicPrefix });
      expect(left).toEqual({});
    },
    { within: 180_000, every: 1_000 },
  );

async function arrive(page: string): Promise<void> {
  await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, page)));
  await settled(suite, lanes.values());
  const { items } = await suite.operator.listDeadLetters({});
  expect(items.filter(({ state }) => state === 'open').map(({ service, reason }) => `${service}: ${reason}`)).toEqual([]);
}

describe('a topic that is lost while releases are on their way', () => {
  it.each(Object.keys(topics).filter((topic) => !['logs', 'dead-letters', 'notifications'].includes(topic)))(
    'costs time only: %s',
    { timeout: 600_000 },
    async (topic) => {
      round += 1;
      const page = `page ${round}`;
      await bring(suite, lanes, page, round);
      await lose(`${suite.topicPrefix}${topic}`);
      await arrive(page);
      const { items } = await suite.operator.listReleases({ query: { project: (lanes.get('asked') as Lane).name, limit: 200 } });
      expect(items.map(({ release }) => release.number)).toEqual(Array.from({ length: round }, (_, at) => round - at));
    },
  );
});

describe('Kafka that is lost with all it has', () => {
  it('costs time only', { timeout: 900_000 }, async () => {
    round += 1;
    const page = `page ${round}`;
    await bring(suite, lanes, page, round);
    await suite.kafka.lose();
    await suite.down();
    await suite.up();
    await arrive(page);
    await drained();
  });
});
