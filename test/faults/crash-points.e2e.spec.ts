import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApprovalRequested, BuildStarted, type Release, RolloutSucceeded } from '@slipway/contracts';
import { eventually, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain, LoadLog, leftToDo, type Witness } from '../history/index.ts';
import { aSuiteOfProcesses, type SuiteOfProcesses, theRealOnes } from './a-suite-of-processes.js';
import { Board } from './crash/board.ts';
import { isOfCode, isOfParts, placeOf } from './crash/known-points.ts';
import known from './crash/points.json' with { type: 'json' };
import unreached from './crash/unreached.json' with { type: 'json' };
import type { FaultContext } from './fault.js';
import { historyOf, notWithoutLoadLog, witnessOf } from './judging.ts';
import { bounds, planOf } from './plan.js';
import { drainMs, processFaults } from './process-faults.js';
import { runPlan } from './run-plan.ts';

/** One in each of four services, at moments no other test of every day ends a process at; no lease has to run out after them. */
const points = [
  'test-deployer · says verification.passed · after publish, before mark',
  'gateway · POST /api/v1/approvals/*/sign-offs · before commit',
  'approval · says approval.granted · after publish, before mark',
  'production-rollout · says rollout.succeeded · after publish, before mark',
];

let suite: SuiteOfProcesses;
let witness: Witness;
let folder: string;
let board: Board;
const load = new LoadLog();
const passed = new Set<string>();
const again = 'npm run faults -- --record';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-points-'));
  board = new Board(folder);
  suite = await aSuiteOfProcesses({ ports: '25900-25999', settings: {}, all: board.settings });
  witness = await witnessOf(suite, theRealOnes(), 'crash points');
}, 120_000);
afterAll(async () => {
  await witness?.stop();
  await suite?.clear();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

async function keepsItsPromises(faultsEnded: Date): Promise<void> {
  const told = { load, repositories: suite.repositories, canaries: [], faultsEnded };
  const { amiss, words } = await explain(await historyOf(witness, suite, told), { unexamined: notWithoutLoadLog });
  expect(amiss, words).toEqual([]);
}

describe('a release on whose way four services are killed at a point and one is asked to end', () => {
  it('goes live all the same, and every promise holds that it is about', { timeout: 240_000 }, async () => {
    for (const point of points) await board.arm(point);
    const { name } = await suite.newProject();
    await suite.ear.hears(BuildStarted, ({ release }) => release.project === name);
    const builder = suite.replicas.find(({ service }) => service === 'image-builder');
    const begun = performance.now();
    builder?.send('SIGTERM');
    expect(await builder?.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(drainMs);
    const { request } = await suite.ear.hears(ApprovalRequested, ({ release }) => release.project === name, 120_000);
    await suite.signOff(request, 120_000);
    const live = await suite.ear.hears(RolloutSucceeded, ({ release }) => release.project === name, 120_000);
    expect(await (await fetch(live.address)).text()).toBe('one');
    await eventually(async () => expect((await board.killed()).map(({ point }) => point).sort()).toEqual(points.toSorted()));

    const at = { databaseUrl: suite.databaseUrl, kafkaBrokers: realParts().kafkaBrokers, topicPrefix: suite.topicPrefix };
    await eventually(async () => expect(await leftToDo(at)).toEqual({}), { within: 120_000, every: 250 });
    await keepsItsPromises(new Date());
  });

  it('goes live all the same, one after the other, in a minute of faults by the plan of seed 1', { timeout: 300_000 }, async () => {
    const parts = { killAll: async () => {}, startAll: async () => {} };
    const all = processFaults({ replicas: 1, points: Object.keys(known), board, parts, killed: () => {} });
    const kinds = all.filter(({ name }) => name !== 'everything killed at once');
    // The calm before the first fault is for a suite that has just begun.
    const plan = planOf(1, 1, kinds).map((planned) => ({ ...planned, at: planned.at - bounds.calm }));
    const { name, repository } = await suite.newProject();
    const { signal } = new AbortController();
    const hold: FaultContext['hold'] = async () => undefined;
    const going = { over: false };
    const running = runPlan({ plan, suite, hold, signal, say: () => {}, left: () => {} }).finally(() => (going.over = true));
    for (let number = 1; ; number += 1) {
      const mine = ({ release }: { release: Release }) => release.project === name && release.number === number;
      const { request } = await suite.ear.hears(ApprovalRequested, mine, 120_000);
      await suite.signOff(request, 120_000);
      await suite.ear.hears(RolloutSucceeded, mine, 120_000);
      // What comes after the last fault would still be on its way while everything is read.
      if (going.over) break;
      await repository.commit(`page ${number + 1}`);
    }
    const done = await running;
    expect(done.flatMap(({ complaint = [] }) => complaint)).toEqual([]);
    expect(done.filter(({ kind, hurt = 0 }) => hurt === 0 && kind !== 'killed at a crash point')).toEqual([]);
    const faultsEnded = new Date();
    const at = { databaseUrl: suite.databaseUrl, kafkaBrokers: realParts().kafkaBrokers, topicPrefix: suite.topicPrefix };
    await eventually(async () => expect(await leftToDo(at)).toEqual({}), { within: 60_000, every: 250 });
    await keepsItsPromises(faultsEnded);
  });

  it('passed only points that are known', async () => {
    for (const { point } of await board.news()) passed.add(point);
    for (const point of points) expect(Object.keys(known)).toContain(point);
    expect(passed.size).toBeGreaterThan(100);
    const places = new Set([...Object.keys(known).map(placeOf), ...unreached]);
    // Which parts are asked beside that hangs on what is found there, as where the proxy's image has to be made.
    expect([...new Set([...passed].map(placeOf))].filter((place) => isOfCode(place) && !places.has(place))).toEqual([]);
  });

  it('passed all points at which a release that goes live asks a part: none that is known is gone', async () => {
    const here = new Set([...passed].map(placeOf));
    const always = Object.entries(known).flatMap(([point, story]) => (story === 'a release goes live' ? [placeOf(point)] : []));
    expect(
      [...new Set(always)].filter((place) => isOfParts(place) && !here.has(place)),
      again,
    ).toEqual([]);
  });
});
