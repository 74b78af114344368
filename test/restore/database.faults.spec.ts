import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lane, RestorableSuite } from './a-restorable-suite.js';
import { bring, lanesOf, pageOf, type Stage, serves, settled } from './lanes.js';

let suite: RestorableSuite;
let lanes: Map<Stage, Lane>;

beforeAll(async () => {
  suite = await RestorableSuite.start('24000-24499');
  lanes = await lanesOf(suite, ['live', 'asked', 'building', 'deploying', 'rolling']);
}, 400_000);
afterAll(() => suite?.clear(), 180_000);

const numbers = async (lane: Lane) =>
  (await suite.operator.listReleases({ query: { project: lane.name, limit: 200 } })).items.map(({ release }) => release);

describe("yesterday's database", () => {
  it('brought back with empty topics loses no commit, does nothing twice and takes nothing back', { timeout: 1_200_000 }, async () => {
    await bring(suite, lanes, 'second', 2);
    const backup = await suite.postgres.backUp('yesterday');
    // Today: everything arrives, and a third release of each is born, some of them live.
    await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, 'second')));
    for (const lane of lanes.values()) await lane.repository.commit('third');
    await Promise.all((['live', 'asked'] as const).map((name) => serves(suite, lanes.get(name) as Lane, 'third')));
    await settled(suite, lanes.values());
    const before = new Map<Stage, string | undefined>();
    for (const [name, lane] of lanes) before.set(name, await pageOf(suite, lane));
    const containers = await suite.instances();
    await suite.down();
    await suite.postgres.restore(backup);
    await suite.emptyTopics();
    await suite.up();
    // What runs goes on running until people have signed for what comes next.
    await settled(suite, lanes.values());
    expect(await suite.instances()).toEqual(expect.arrayContaining(containers.filter(({ environment }) => environment === 'production')));
    await Promise.all([...lanes.values()].map((lane) => serves(suite, lane, 'third')));
    await settled(suite, lanes.values());
    for (const lane of lanes.values()) {
      const releases = await numbers(lane);
      expect(new Set(releases.map(({ number }) => number)).size).toBe(releases.length);
      expect(new Set(releases.map(({ revision }) => revision)).size).toBe(releases.length);
    }
    const { items } = await suite.operator.listDeadLetters({});
    expect(items.filter(({ state }) => state === 'open').map(({ service, reason }) => `${service}: ${reason}`)).toEqual([]);
    const head = async (lane: Lane) => (await suite.administrator.audit({ query: { project: lane.name } })).head;
    for (const lane of lanes.values())
      expect(await eventually(async () => (await head(lane)) ?? false)).toMatchObject({ chain: lane.name });
    expect((await suite.administrator.status({})).warnings.map(({ code }) => code)).not.toContain('audit-conflict');
  });
});
