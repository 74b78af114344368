import { topics } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Witness } from '../history/index.ts';
import { type Lane, RestorableSuite } from './a-restorable-suite.js';
import { aWitness, drained, judged } from './evidence.js';
import { bring, lanesOf, type Stage, serves, settled } from './lanes.js';

let suite: RestorableSuite;
let lanes: Map<Stage, Lane>;
let witness: Witness;
let round = 1;

beforeAll(async () => {
  suite = await RestorableSuite.start('24500-24999');
  witness = await aWitness(suite, 'topics lost, and then all of Kafka');
  lanes = await lanesOf(suite, ['asked', 'building', 'rolling']);
}, 400_000);
afterAll(async () => {
  await witness?.stop();
  await suite?.clear();
}, 180_000);

async function withTopics<T>(fn: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ clientId: 'operator', brokers: suite.kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await fn(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Deletes a topic and makes it anew, as it was. Each step by a client of its own, for one that knew a topic asks about it when it is gone, and throws. */
async function lose(topic: string): Promise<void> {
  const wanted = ['cleanup.policy', 'retention.ms'];
  const configEntries = await withTopics(async (admin) => {
    const [found] = (await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic }] })).resources;
    const all = (found?.configEntries ?? []) as { configName: string; configValue: string }[];
    return all.flatMap(({ configName: name, configValue: value }) => (wanted.includes(name) ? [{ name, value }] : []));
  });
  const isThere = () => withTopics(async (admin) => (await admin.listTopics()).includes(topic));
  await withTopics((admin) => admin.deleteTopics({ topics: [topic] })).catch(() => undefined);
  await eventually(async () => !(await isThere()), { within: 30_000, every: 200 });
  const anew = { topic, numPartitions: 4, replicationFactor: 1, configEntries };
  await withTopics((admin) => admin.createTopics({ topics: [anew] })).catch(() => undefined);
  await eventually(isThere, { within: 30_000, every: 200 });
}

async function arrive(page: string): Promise<void> {
  await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, page)));
  await settled(suite, lanes.values());
  const { items } = await suite.operator.listDeadLetters({});
  expect(items.filter(({ state }) => state === 'open').map(({ service, reason }) => `${service}: ${reason}`)).toEqual([]);
}

/** What was said is in the tables of who said it, also where its topic is gone. */
async function holds(): Promise<void> {
  await drained(suite);
  const { amiss, words } = await judged(suite, witness);
  expect(amiss, words).toEqual([]);
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
      await holds();
    },
  );
});

describe('Kafka that is lost with all it has', () => {
  it('costs time only', { timeout: 900_000 }, async () => {
    round += 1;
    await bring(suite, lanes, `page ${round}`, round);
    await suite.kafka.lose();
    await suite.down();
    await suite.up();
    await arrive(`page ${round}`);
    await holds();
  });
});
