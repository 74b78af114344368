import { type Service, services } from '@slipway/contracts';
import { aTopicPrefix, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lane, RestorableSuite } from './a-restorable-suite.js';
import { aWitness, doctor, drained, judged, readinessOf, saidBy, writtenIn } from './evidence.js';
import { bring, lanesOf, pageOf, type Stage, serves, settled } from './lanes.js';

let suite: RestorableSuite;
let lanes: Map<Stage, Lane>;
let backup: string;
/** What each service has said up to the backup, and up to the loss of what came later. */
let known: Map<Service, number>;
let said: Map<Service, number>;

beforeAll(async () => {
  suite = await RestorableSuite.start('24000-24499');
  lanes = await lanesOf(suite, ['live', 'asked', 'building', 'deploying', 'rolling']);
}, 400_000);
afterAll(() => suite?.clear(), 180_000);

const numbers = async (lane: Lane) =>
  (await suite.operator.listReleases({ query: { project: lane.name, limit: 200 } })).items.map(({ release }) => release);
const pages = async () => await Promise.all([...lanes.values()].map((lane) => pageOf(suite, lane)));
const inProduction = async () => (await suite.instances()).filter(({ environment }) => environment === 'production');

/** Everything arrives, nothing is said or done twice, and what the judge can see holds. */
async function goesOn(page: string, since: Awaited<ReturnType<typeof aWitness>>): Promise<void> {
  await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, page)));
  await settled(suite, lanes.values());
  for (const lane of lanes.values()) {
    const releases = await numbers(lane);
    expect(new Set(releases.map(({ number }) => number)).size).toBe(releases.length);
    expect(new Set(releases.map(({ revision }) => revision)).size).toBe(releases.length);
  }
  const { items } = await suite.operator.listDeadLetters({});
  expect(items.filter(({ state }) => state === 'open').map(({ service, reason }) => `${service}: ${reason}`)).toEqual([]);
  const head = async (lane: Lane) => (await suite.administrator.audit({ query: { project: lane.name } })).head;
  for (const lane of lanes.values()) expect(await eventually(async () => (await head(lane)) ?? false)).toMatchObject({ chain: lane.name });
  expect((await suite.administrator.status({})).warnings.map(({ code }) => code)).not.toContain('audit-conflict');
  await drained(suite);
  const { amiss, words } = await judged(suite, since);
  await since.stop();
  expect(amiss, words).toEqual([]);
}

describe("yesterday's database", () => {
  it('beside a Kafka that went on stops every service that has said something since, and nothing is said, deployed or taken back', {
    timeout: 1_200_000,
  }, async () => {
    await bring(suite, lanes, 'second', 2);
    known = await saidBy(suite);
    backup = await suite.postgres.backUp('yesterday');
    // Today: everything arrives, and a third release of each is born, some of them live.
    await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, 'second')));
    for (const lane of lanes.values()) await suite.push(lane, 'third');
    await Promise.all((['live', 'asked', 'rolling'] as const).map((name) => serves(suite, lanes.get(name) as Lane, 'third')));
    await settled(suite, lanes.values());
    await drained(suite);
    said = await saidBy(suite);
    const stopping = services.filter((service) => (said.get(service) ?? 0) > (known.get(service) ?? 0));
    expect(stopping.length).toBeGreaterThanOrEqual(6);
    await suite.down();
    const [containers, records] = [await suite.instances(), await writtenIn(suite)];
    await suite.postgres.restore(backup);
    await suite.upUntil(async () => {
      for (const service of stopping) expect(await readinessOf(suite, service), service).toContain('is older than what');
    });
    expect(await doctor(suite)).toMatch(/the database is older than what approval has said, so nothing is done: .*SLIPWAY_TOPIC_PREFIX/);
    await suite.down();
    expect(await suite.instances()).toEqual(containers);
    const now = Object.entries(await writtenIn(suite)).filter(([at, high]) => high !== records[at]);
    // Who had said nothing since knows all that it said, and may go on.
    expect(now.filter(([at]) => stopping.length === services.length || !at.includes('notifications'))).toEqual([]);
  });

  it('given topics by another prefix loses no commit, does nothing twice and takes nothing back', { timeout: 1_200_000 }, async () => {
    await suite.down();
    const containers = await inProduction();
    suite.topicPrefix = aTopicPrefix();
    const witness = await aWitness(suite, 'an older database given other topics');
    await suite.up();
    // What runs goes on running until people have signed for what comes next.
    await settled(suite, lanes.values());
    expect(await suite.instances()).toEqual(expect.arrayContaining(containers));
    await goesOn('third', witness);
  });

  it('brought back once more does so with its topics emptied', { timeout: 1_200_000 }, async () => {
    const [containers, shown] = [await inProduction(), await pages()];
    await suite.down();
    await suite.postgres.restore(backup);
    await suite.emptyTopics();
    const witness = await aWitness(suite, 'an older database with its topics emptied');
    await suite.up();
    await settled(suite, lanes.values());
    expect(await suite.instances()).toEqual(expect.arrayContaining(containers));
    expect(await pages()).toEqual(shown);
    await goesOn('third', witness);
  });
});
