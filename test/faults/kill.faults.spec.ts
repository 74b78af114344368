import {
  ApprovalGranted,
  ApprovalRequested,
  BuildStarted,
  CommitDetected,
  DeploymentStarted,
  DeploymentSucceeded,
  EventDeadLettered,
  type EventDefinition,
  ImageBuilt,
  type Release,
  RolloutStarted,
  RolloutSucceeded,
  type Service,
  SignOffPosted,
  VerificationPassed,
} from '@slipway/contracts';
import { eventually, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explain, LoadLog, leftToDo, type Witness } from '../history/index.ts';
import { Receiver } from './a-receiver.js';
import { aSuiteOfProcesses, type SuiteOfProcesses, theRealOnes } from './a-suite-of-processes.js';
import { historyOf, notWithoutLoadLog, witnessOf } from './judging.ts';

let suite: SuiteOfProcesses;
let receiver: Receiver;
let witness: Witness;
let lastKill = new Date();
/** Instances of the project that the Docker Engine says it has made. */
const made: { environment: string; release: string; name: string }[] = [];
const listening = new AbortController();

beforeAll(async () => {
  receiver = await Receiver.start();
  suite = await aSuiteOfProcesses({ ports: '22000-22999', settings: { notifier: receiver.settings } });
  witness = await witnessOf(suite, theRealOnes(), 'kill -9 in the middle of work');
  void keepWhatIsMade();
}, 240_000);
afterAll(async () => {
  listening.abort();
  await witness?.stop();
  await suite?.clear();
  await receiver?.stop();
}, 120_000);

async function keepWhatIsMade(): Promise<void> {
  const labels = { 'dev.slipway.installation': suite.installation, 'dev.slipway.role': 'instance' };
  for await (const news of suite.engine.events(listening.signal, { types: ['container'], actions: ['create'], labels })) {
    if (news.kind !== 'event') continue;
    const { attributes } = news.event;
    const { 'dev.slipway.environment': environment = '', 'dev.slipway.release': release = '', name = '' } = attributes;
    made.push({ environment, release, name });
  }
}

type OfRelease = EventDefinition & { data: { _output: { release: Release } } };

type Moment = EventDefinition | 'the push' | 'a delivery';

/** Kills the service at this moment of the release's way, and sees the release go live all the same. */
async function survives(service: Service, moment: Moment, project: string, page: string, number: number): Promise<void> {
  const hears = <E extends OfRelease>(event: E) => {
    const fits = ({ release }: { release: Release }) => release.project === project && release.number === number;
    return suite.ear.hears(event, (data) => fits(data as { release: Release }), 120_000);
  };
  const posted = receiver.posts.length;
  receiver.hold ||= moment === 'a delivery';
  const asked = hears(ApprovalRequested);
  const killed = (async () => {
    if (moment === 'a delivery') await eventually(() => receiver.posts.length > posted, { within: 60_000 });
    else if (moment === SignOffPosted) {
      const { request } = await asked;
      await suite.ear.hears(SignOffPosted, (data) => data.request === request);
    } else if (typeof moment !== 'string') await hears(moment as OfRelease);
    await suite.kill(service);
    lastKill = new Date();
    if (moment === 'a delivery') receiver.hold = false;
  })();
  await Promise.all([killed, asked.then(({ request }) => suite.signOff(request, 60_000))]);
  const live = await hears(RolloutSucceeded);
  expect(live.image).toEqual((await hears(ImageBuilt)).image);
  expect(await (await fetch(live.address)).text()).toBe(page);
}

describe('kill -9 in the middle of its work', () => {
  /** Each with the moment that is the middle of its work; side by side, because the next one waits until the lease of the dead has ended. */
  const lanes: (readonly [Service, Moment])[][] = [
    [
      ['test-deployer', DeploymentStarted],
      ['source-watcher', 'the push'],
    ],
    [
      ['image-builder', BuildStarted],
      ['approval', SignOffPosted],
      ['gateway', SignOffPosted],
    ],
    [
      ['notifier', 'a delivery'],
      ['production-rollout', RolloutStarted],
    ],
  ];

  it.concurrent.each(lanes.map((lane) => ({ lane, of: lane.map(([service]) => service).join(', of ') })))(
    'of $of: each release arrives all the same',
    { timeout: 240_000 },
    async ({ lane }) => {
      const { name, repository } = await suite.newProject();
      for (const [at, [service, moment]] of lane.entries()) {
        const page = at === 0 ? 'one' : `page ${at}`;
        if (at > 0) await repository.commit(page);
        await survives(service, moment, name, page, at + 1);
      }
    },
  );
});

describe('after all these kills', () => {
  it('each release took each step once, by one digest, and nothing failed falsely', () => {
    const { ear } = suite;
    expect(ear.all(EventDeadLettered)).toEqual([]);
    expect(ear.names().filter((name) => /failed|aborted|cancelled|dead-lettered|drifted|voided|expired|rolled-back/.test(name))).toEqual(
      [],
    );
    const ids = (event: EventDefinition) =>
      ear
        .all(event)
        .map((data) => (data as { release: Release }).release.id)
        .sort();
    const born = ids(CommitDetected);
    expect(new Set(born).size).toBe(7);
    const steps = [
      ImageBuilt,
      DeploymentSucceeded,
      VerificationPassed,
      ApprovalRequested,
      ApprovalGranted,
      RolloutStarted,
      RolloutSucceeded,
    ];
    for (const step of steps) expect(ids(step), step.name).toEqual(born);
    for (const { release, image } of ear.all(RolloutSucceeded)) {
      expect(ear.all(ImageBuilt).find((built) => built.release.id === release.id)?.image).toEqual(image);
    }
  });

  it('the Docker Engine was asked for each instance once', () => {
    const wanted = suite.ear
      .all(CommitDetected)
      .flatMap(({ release: { id } }) => [`test ${id}`, `production ${id}`, `production ${id}`])
      .sort();
    expect(made.map(({ environment, release: id }) => `${environment} ${id}`).sort()).toEqual(wanted);
    expect(new Set(made.map(({ name }) => name)).size).toBe(made.length);
  });

  it('every writer’s story is without a gap, each event once', () => {
    const stories = new Map<string, number[]>();
    for (const { headers } of suite.ear.once()) {
      if (headers['ce_sequence'] === undefined) continue;
      const story = `${headers['ce_source']} of ${headers['ce_subject']}`;
      stories.set(story, [...(stories.get(story) ?? []), Number(headers['ce_sequence'])]);
    }
    for (const [story, numbers] of stories) {
      const sorted = numbers.sort((one, other) => one - other);
      expect(sorted, story).toEqual(sorted.map((_, at) => at + 1));
    }
  });

  it('the gateway tells of each release as it was', { timeout: 60_000 }, async () => {
    for (const { release } of suite.ear.all(RolloutSucceeded)) {
      const timeline = async () => (await suite.operator.getRelease({ params: { id: release.id } })).timeline.map(({ event }) => event);
      await eventually(
        async () => expect(await timeline()).toEqual(expect.arrayContaining(['commit.detected', 'image.built', 'rollout.succeeded'])),
        { within: 20_000 },
      );
    }
  });

  it('nothing is left to be said, answered, read or worked on, and no lease is held by the dead', { timeout: 90_000 }, async () => {
    const { databaseUrl, topicPrefix } = suite;
    const left = () => leftToDo({ databaseUrl, topicPrefix, kafkaBrokers: realParts().kafkaBrokers });
    await eventually(async () => expect(await left()).toEqual({}), { within: 60_000, every: 500 });
  });

  it('whoever wants to know was told of each rollout, at least once and by one id', () => {
    expect(receiver.told('rollout.succeeded').size).toBe(7);
  });

  it('every promise holds that it is about', { timeout: 120_000 }, async () => {
    const known = { load: new LoadLog(), repositories: suite.repositories, canaries: [], faultsEnded: lastKill };
    const { amiss, words } = await explain(await historyOf(witness, suite, known), { unexamined: notWithoutLoadLog });
    expect(amiss, words).toEqual([]);
  });
});
