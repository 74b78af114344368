import { readFileSync } from 'node:fs';
import { catalog } from '@slipway/contracts';
import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import type { Told } from './event-order.js';
import { type EnvironmentState, foldRelease, type ReleaseState, releaseAfter } from './release-state.js';
import { aRelease, asReference, file, mei, people, time, uuid } from './story.example.js';
import { waitingFor } from './waiting-for.js';

type Folding = typeof releaseAfter;

const own = aRelease();
const other = aRelease(43);
const [requestA, requestB, rolloutA, rolloutB] = [uuid(801), uuid(802), uuid(601), uuid(602)];

/** The committed sample of an event, told of this release; parsed, so that nothing is told that nobody may say. */
function told(name: string, about: Record<string, unknown> = {}): Told {
  const definition = catalog.get(name);
  if (!definition) throw new Error(`no event ${name}`);
  const path = new URL(`../../contracts/samples/${name}.v${definition.version}.json`, import.meta.url);
  const sample = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const release = typeof sample['release'] === 'string' ? own.id : own;
  const data = definition.data.parse({ ...sample, ...('release' in sample ? { release } : {}), ...about });
  return { id: uuid(1), name, source: definition.writer, subject: own.id, time: time(1), data } as unknown as Told;
}

const build = {
  born: told('commit.detected'),
  'build.started': told('build.started'),
  'image.built': told('image.built'),
  'build.failed': told('build.failed'),
  'build.cancelled': told('build.cancelled'),
  withdrawn: told('release.withdrawn'),
};
const image = {
  'its image is retired': told('image.retired', { releases: [{ id: own.id, number: own.number }] }),
  'the registry refuses': told('image.removed', { releases: [{ id: own.id, number: own.number }] }),
  'its image is gone': told('image.removed', { releases: [{ id: own.id, number: own.number }], refused: null }),
  'the image of another is retired': told('image.retired', { releases: [{ id: other.id, number: other.number }] }),
};
const inTest = { environment: 'test' };
const test = {
  'deployment.started': told('deployment.started', inTest),
  'deployment.succeeded': told('deployment.succeeded', inTest),
  'deployment.failed': told('deployment.failed', inTest),
  'it never had its turn': told('deployment.failed', { ...inTest, reason: { code: 'superseded', message: 'x' } }),
  'verification.passed': told('verification.passed', inTest),
  'verification.failed': told('verification.failed', inTest),
  'another is deployed': told('deployment.started', { ...inTest, release: other }),
  'the target is away': told('part.away', { ...inTest, part: 'target' }),
  'the target is back': told('part.back', { ...inTest, part: 'target' }),
};
const there = { environment: 'production' };
const forA = { ...there, request: requestA };
const byA = { ...there, rollout: rolloutA, stage: 'production' };
const delivery = {
  'asked (A)': told('approval.requested', forA),
  'asked anew (B)': told('approval.requested', { ...there, request: requestB }),
  'Mei signs A': told('sign-off.accepted', { ...forA, person: asReference(mei), decision: 'approve' }),
  'A is granted': told('approval.granted', forA),
  'B is granted': told('approval.granted', { ...there, request: requestB }),
  'A is rejected': told('approval.rejected', forA),
  'A expires': told('approval.expired', forA),
  'A is superseded': told('approval.superseded', { ...forA, by: other }),
  'A is voided': told('approval.voided', forA),
  'nothing can be asked': told('approval.voided', { ...there, request: uuid(803), unasked: true }),
  'rollout A starts': told('rollout.started', { ...byA, kind: 'rollout' }),
  'rollback B starts': told('rollout.started', { ...byA, rollout: rolloutB, kind: 'rollback' }),
  'rollout A advances': told('rollout.advanced', { ...byA, kind: 'rollout' }),
  'rollout A succeeds': told('rollout.succeeded', { ...byA, kind: 'rollout' }),
  'rollout A fails': told('rollout.failed', { ...byA, kind: 'rollout', next: 'rollback' }),
  'rollout A fails and stays': told('rollout.failed', { ...byA, kind: 'rollout', next: 'hold' }),
  'rollout A is aborted': told('rollout.aborted', { ...byA, kind: 'rollout', request: requestA }),
  'it comes back': told('rollout.rolled-back', { ...byA, rollout: rolloutB, kind: 'rollback', from: other }),
  'it is rolled back': told('rollout.rolled-back', { ...byA, kind: 'rollback', release: other, from: own }),
  'another succeeds there': told('rollout.succeeded', { ...byA, rollout: uuid(603), kind: 'rollout', release: other }),
};

function worldOf(alphabet: Record<string, Told>, folding: Folding = releaseAfter): World<ReleaseState | null> {
  return {
    starts: { 'nothing is known': null },
    key: keyOf,
    *moves(state): Iterable<Move<ReleaseState | null>> {
      for (const [words, event] of Object.entries(alphabet)) yield [words, () => folding(state ?? undefined, event, own.id) ?? null];
    },
    always: {
      'it always waits for something, and it can be said for what': (state) =>
        state === null || waitsOf(state).every(({ text }) => text.en !== '' && text.zh !== ''),
      'what was withdrawn is that': (state) => !state?.withdrawn || state.phase === 'withdrawn',
      'it is in an environment once': (state) =>
        new Set(state?.environments.map(({ environment }) => environment)).size === (state?.environments.length ?? 0),
      'it is live where it runs, or ran': (state) =>
        state?.phase !== 'live' || state.environments.some(({ status, runs }) => status === 'live' && runs),
      'who is asked can be seen': (state) => !state?.environments.some(({ status, request }) => status === 'awaiting-approval' && !request),
    },
    steps: {
      'it stays the same release': (before, after) => before === null || after?.release.id === before.release.id,
      'an image, once known, is not forgotten': (before, after) => before?.image == null || after?.image != null,
      'an image that is gone stays gone': (before, after) => !before?.retired?.removedAt || after?.retired?.removedAt != null,
      'what becomes of its image moves nothing': (before, after, does) =>
        !(does in image) || before === null || (after?.phase === before.phase && after?.updatedAt === before.updatedAt),
      'what was withdrawn stays so': (before, after) => !before?.withdrawn || after?.withdrawn != null,
      'what is said of another request changes nothing': (before, after, does) => {
        const request = before?.environments.find(({ environment }) => environment === 'production')?.request?.request;
        return !does.startsWith('A ') || request !== requestB || keyOf(before) === keyOf(after);
      },
      'a thing said twice in a row is said once': (_, after, does) =>
        after === null || keyOf(after) === keyOf(folding(after, alphabet[does] as Told, own.id) ?? null),
    },
  };
}

function waitsOf(state: ReleaseState) {
  const waits = waitingFor(state, { file, people, now: time(2) });
  return waits.length > 0 ? waits : [{ text: { en: '', zh: '' } }];
}

const keys = new WeakMap<object, string>();

/** Found once for what is never changed in place. */
function kept<T extends object>(of: T, key: (of: T) => string): string {
  const known = keys.get(of) ?? key(of);
  keys.set(of, known);
  return known;
}

/** All of it, told at one moment; of a request only which it is and who signed, for how often one signature is told decides nothing. */
function keyOf(state: ReleaseState | null): string {
  if (state === null) return 'nothing';
  const ofEnvironment = ({ request, ...told }: EnvironmentState) =>
    JSON.stringify([told, request?.request, ...new Set(request?.approvals.map(({ person }) => person.id))]);
  return kept(state, ({ environments, ...others }) =>
    [JSON.stringify(others), ...environments.map((each) => kept(each, ofEnvironment))].join(),
  );
}

describe('every state of a release against everything that can be told of it', () => {
  it.each([
    ['built and tested', { ...build, ...test }],
    ['asked for, signed and rolled out', { 'image.built': build['image.built'], withdrawn: build.withdrawn, ...delivery }],
  ])(
    '%s: it is known where it is and what it waits for',
    async (_, alphabet) => {
      await explore(worldOf(alphabet), { atMost: 5000, atLeast: { states: 3000, edges: 40_000 } });
    },
    120_000,
  );

  it('retired: what becomes of its image is known, and moves nothing else', async () => {
    const world = worldOf({ 'image.built': build['image.built'], 'verification.passed': test['verification.passed'], ...image });
    await explore(world, { atMost: 100, atLeast: { states: 10, edges: 60 } });
  });

  it.each<[string, Folding, RegExp, string[]]>([
    [
      'takes an answer to any request for an answer to this one',
      (state, event, id) => {
        const request = state?.environments.find(({ environment }) => environment === 'production')?.request?.request;
        const isAnswer = event.name.startsWith('approval.') && event.name !== 'approval.requested';
        return releaseAfter(state, isAnswer && request ? ({ ...event, data: { ...event.data, request } } as Told) : event, id);
      },
      /another request changes nothing/,
      ['asked anew (B)', 'A is granted'],
    ],
    [
      'brings back what was withdrawn',
      (state, event, id) => {
        const after = releaseAfter(state, event, id);
        return after?.withdrawn && event.name === 'rollout.started' ? { ...after, withdrawn: null } : after;
      },
      /what was withdrawn stays so/,
      ['withdrawn', 'rollout A starts'],
    ],
  ])('has teeth: a fold that %s', async (_, folding, promise, story) => {
    const broken = await brokenBy(worldOf({ withdrawn: build.withdrawn, ...delivery }, folding), 5000);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });

  it('is the same whatever order three of them come in', () => {
    const all = Object.values({ ...build, ...test, ...delivery, ...image }).map(
      (event, at): Told => ({ ...event, id: uuid(7000 + at), time: time(at) }),
    );
    let folded = 0;
    for (const [at, one] of all.entries())
      for (const two of all.slice(at + 1)) {
        const three = all[(at * 7) % all.length] as Told;
        const orders = [
          [one, two, three],
          [three, one, two],
          [two, three, one, one],
        ];
        const states = orders.map((events) => JSON.stringify(foldRelease(own.id, events)));
        expect(new Set(states).size).toBe(1);
        folded++;
      }
    expect(folded).toBeGreaterThan(500);
  });
});
