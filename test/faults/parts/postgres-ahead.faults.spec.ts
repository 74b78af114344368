import { ApprovalRequested, RolloutSucceeded } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cleanup } from '../../../tools/parts/cleanup.ts';
import { leftToDo } from '../../history/index.ts';
import type { Chance, FaultContext, FaultyParts } from '../fault.js';
import { faultyGround, type Ground } from '../ground.js';

const cleanup = new Cleanup();
const signal = new AbortController().signal;
const said: string[] = [];
const before = { ...process.env };
let ground: Ground & { readonly parts: FaultyParts };

beforeAll(async () => {
  ground = await faultyGround({ replicas: 1, cleanup, signal, say: (text) => said.push(text) });
}, 360_000);
afterAll(async () => {
  expect(await cleanup.run()).toEqual([]);
  Object.assign(process.env, before);
}, 240_000);

describe('a database whose clock jumps an hour ahead (T02)', () => {
  it('loses no release that waits, and none that comes after', { timeout: 300_000 }, async () => {
    const { suite, parts, straight } = ground;
    const { name, repository } = await suite.newProject();
    const asked = (number: number) =>
      suite.ear.hears(ApprovalRequested, ({ release }) => release.project === name && release.number === number, 120_000);
    const goesLive = async (number: number) => {
      await suite.signOff((await asked(number)).request, 120_000);
      await suite.ear.hears(RolloutSucceeded, ({ release }) => release.project === name && release.number === number, 120_000);
    };
    await asked(1);
    const chance: Chance = { whole: (least) => least, one: (of) => of[0] as (typeof of)[number] };
    const fault = parts.kinds.find((kind) => kind.name === 'clock of postgres jumps ahead')?.make(chance, 0);
    const context: FaultContext = { say: (text) => said.push(text), signal, suite, hold: async () => undefined };
    await fault?.begin(context);
    expect(fault?.hurt?.()).toBe(1);
    await goesLive(1);
    await repository.commit('an hour later');
    await goesLive(2);
    const at = { databaseUrl: suite.databaseUrl, topicPrefix: suite.topicPrefix, kafkaBrokers: straight.kafkaBrokers };
    await eventually(async () => expect(await leftToDo(at)).toEqual({}), { within: 60_000, every: 500 });
  });
});
