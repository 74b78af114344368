import { setTimeout as pass } from 'node:timers/promises';
import { ApprovalRequested, type DataOf, EnvironmentDrifted, ImageBuilt, type Release, RolloutSucceeded } from '@slipway/contracts';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Repository } from '../e2e/a-repository.js';
import { explain, LoadLog, leftToDo, type Witness } from '../history/index.ts';
import { Receiver } from './a-receiver.js';
import { aSuiteOfProcesses, type SuiteOfProcesses, theRealOnes } from './a-suite-of-processes.js';
import { historyOf, notWithoutLoadLog, witnessOf } from './judging.ts';
import { type PartsToTakeAway, partNames, partsToTakeAway } from './parts-to-take-away.js';
import { type OfRelease, type Point, points, signs, type Way } from './points.js';

/** How long a part is away: what the suite must stand at any point without losing a release or failing one. */
const awayMs = 60_000;

/** A project for each point, so that one outage meets releases at all of them. */
class Lane implements Way {
  private page = 'one';
  private number = 1;

  private constructor(
    readonly point: Point,
    readonly project: string,
    private readonly repository: Repository,
  ) {}

  static async at(point: Point): Promise<Lane> {
    const { name, repository } = await suite.newProject({ environments: point.environments }, point.repository);
    return new Lane(point, name, repository);
  }

  get suite(): SuiteOfProcesses {
    return suite;
  }

  get taking(): PartsToTakeAway {
    return taking;
  }

  async commit(): Promise<void> {
    this.number += 1;
    this.page = `page ${this.number}`;
    await this.repository.commit(this.page);
  }

  hears<E extends OfRelease>(event: E, within = 90_000): Promise<DataOf<E>> {
    return suite.ear.hears(event, (data) => this.isMine(data as { release: Release }), within);
  }

  /** Whether it is where it was brought to, and not past it. */
  isThere(): boolean {
    const { before } = this.point;
    return before === undefined || !suite.ear.all(before).some((data) => this.isMine(data as { release: Release }));
  }

  async isLive(within: number): Promise<void> {
    const live = await this.hears(RolloutSucceeded, within);
    expect(live.image).toEqual((await this.hears(ImageBuilt)).image);
    await eventually(async () => expect(await (await fetch(live.address)).text()).toBe(this.page), { within: 20_000 });
    const { release } = live;
    const told = async () => (await suite.operator.getRelease({ params: { id: release.id } })).timeline.map(({ event }) => event);
    await eventually(async () => expect(await told()).toContain('rollout.succeeded'), { within: 20_000 });
  }

  private isMine({ release }: { release: Release }): boolean {
    return release.project === this.project && release.number === this.number;
  }
}

let taking: PartsToTakeAway;
let witness: Witness;
let lastBack = new Date();
let receiver: Receiver;
let suite: SuiteOfProcesses;
let lanes: Lane[];

beforeAll(async () => {
  taking = await partsToTakeAway();
  receiver = await Receiver.start();
  suite = await aSuiteOfProcesses({ ports: '21000-21999', settings: { notifier: receiver.settings }, parts: taking.parts });
  witness = await witnessOf(suite, { ...theRealOnes(), kafkaBrokers: taking.parts.kafkaBrokers }, 'parts away');
  lanes = await Promise.all(points.map((point) => Lane.at(point)));
  await Promise.all(lanes.map(async (lane) => (lane.point.asks ? signs(lane) : undefined)));
  expect(await becomes(lanes.map((lane) => lane.isLive(240_000)))).toEqual(allLive());
}, 480_000);
afterAll(async () => {
  await witness?.stop();
  await suite?.clear();
  await receiver?.stop();
  await taking?.close();
}, 120_000);

/** Brings every lane to its point, those that stay there longest first. */
async function reachAll(): Promise<void> {
  await Promise.all(lanes.filter(({ point }) => point.asks).map((lane) => lane.commit().then(() => lane.hears(ApprovalRequested))));
  for (const turn of [1, 2, 3])
    await Promise.all(lanes.filter(({ point }) => point.reach?.turn === turn).map((lane) => lane.point.reach?.go(lane)));
}

const allLive = () => lanes.map(({ point }) => [point.name, 'live']);
/** What becomes of each lane, by its point; never rejects. */
async function becomes(arrivals: readonly Promise<void>[]): Promise<unknown> {
  const ends = await Promise.allSettled(arrivals);
  return ends.map((end, at) => [lanes[at]?.point.name, end.status === 'rejected' ? end.reason : 'live']);
}

describe('a minute without', () => {
  it.each(partNames)('%s loses no release and fails none, wherever it is on its way', { timeout: 480_000 }, async (part) => {
    await reachAll();
    expect(lanes.filter((lane) => !lane.isThere()).map(({ point }) => point.name)).toEqual([]);
    await taking.cut(part);
    const back = pass(awayMs).then(() => taking.mend(part));
    const ends = becomes(lanes.map((lane) => Promise.resolve(lane.point.meanwhile?.(lane)).then(() => lane.isLive(240_000))));
    await back;
    lastBack = new Date();
    expect(await ends).toEqual(allLive());
    expect(falselyFailed()).toEqual([]);
  });
});

/** What was said that nobody had a reason to say: an instance was taken from one project only. */
function falselyFailed(): string[] {
  const gone = lanes.find(({ point }) => point.name === 'an instance is gone')?.project;
  const drifted = suite.ear.all(EnvironmentDrifted).filter(({ project }) => project !== gone);
  const names = suite.ear.names().filter((name) => /failed|aborted|cancelled|dead-lettered|voided|expired|rolled-back/.test(name));
  return [...names, ...drifted.map(({ project, found }) => `environment.drifted of ${project}: ${found.join(', ')}`)];
}

describe('after all these minutes', () => {
  it('nothing is left to be said, answered, read or worked on', { timeout: 90_000 }, async () => {
    const at = { databaseUrl: suite.databaseUrl, topicPrefix: suite.topicPrefix, kafkaBrokers: taking.parts.kafkaBrokers };
    await eventually(async () => expect(await leftToDo(at)).toEqual({}), { within: 60_000, every: 500 });
  });

  it('whoever wants to know was told of each release that went live', () => {
    expect(receiver.told('rollout.succeeded').size).toBe(suite.ear.all(RolloutSucceeded).length);
  });

  it('every promise holds that it is about', { timeout: 120_000 }, async () => {
    const known = { load: new LoadLog(), repositories: suite.repositories, canaries: [], faultsEnded: lastBack };
    const { amiss, words } = await explain(await historyOf(witness, suite, known), { unexamined: notWithoutLoadLog });
    expect(amiss, words).toEqual([]);
  });
});
