import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comesAfter, inOrder, type Told } from './event-order.js';
import { foldRelease, type ReleaseState, releaseAfter, releasesOf } from './release-state.js';
import { aRelease, asReference, image, mei, omar, story, time, uuid } from './story.example.js';
import { timelineOf } from './timeline.js';

const release = aRelease();
const why = { code: 'unhealthy', message: 'never answered' };
const environment = (told: Parameters<typeof foldRelease>[1], name: string, id = release.id) =>
  foldRelease(id, told)?.environments.find((each) => each.environment === name);

function toLive() {
  const tale = story();
  tale.born();
  tale.built();
  tale.tested();
  tale.asked('pre-release');
  tale.signed(mei, 'pre-release');
  tale.signed(omar, 'pre-release');
  tale.granted('pre-release');
  tale.rolledOut('pre-release');
  return tale;
}

function rolledBack() {
  const tale = toLive();
  const rollback = {
    rollout: uuid(699),
    kind: 'rollback' as const,
    release: aRelease(41),
    environment: 'pre-release',
    stage: 'pre-release' as const,
  };
  tale.say('rollout.started', { ...rollback, attempt: 1, grant: uuid(651), image, replaces: release });
  tale.say('rollout.rolled-back', { ...rollback, from: release, image, address: 'http://lab:20001', reason: why, by: null, seconds: 2 });
  return tale;
}

/** The state as a reader keeps it: each event a step where it comes after all before, else a fold of all anew. */
function grown(arriving: readonly Told[], id: string): { state: ReleaseState | undefined; anew: number } {
  const had: Told[] = [];
  let state: ReleaseState | undefined;
  let anew = 0;
  for (const event of arriving) {
    const after = comesAfter(event, had);
    had.push(event);
    if (!after) anew++;
    state = after ? releaseAfter(state, event, id) : foldRelease(id, had);
  }
  return { state, anew };
}

describe('the fold of a release', () => {
  it('is undefined while nothing names the release', () => {
    expect(foldRelease(release.id, [])).toBeUndefined();
    expect(foldRelease(uuid(1), toLive().told)).toBeUndefined();
  });

  it('still waits for people when it was asked anew and only then the rollout of the voided request ends', () => {
    const tale = story();
    tale.born();
    tale.asked('pre-release');
    tale.granted('pre-release');
    const at = { request: uuid(800), release, environment: 'pre-release' };
    tale.say('approval.voided', { ...at, reason: why, changed: [] });
    tale.asked('pre-release', { request: uuid(801) });
    const ended = { rollout: uuid(642), kind: 'rollout' as const, ...at, reason: why, supersededBy: null };
    tale.say('rollout.aborted', ended);
    expect(environment(tale.told, 'pre-release')).toMatchObject({
      status: 'awaiting-approval',
      request: { request: uuid(801) },
      rollout: null,
    });
    tale.say('rollout.aborted', { ...ended, rollout: uuid(643), request: uuid(801) });
    expect(environment(tale.told, 'pre-release')).toMatchObject({ status: 'aborted', rollout: uuid(643) });
  });

  it('follows it from birth to live', () => {
    const { told } = toLive();
    const phases = told.map((_, count) => foldRelease(release.id, told.slice(0, count + 1))?.phase);
    expect([...new Set(phases)]).toEqual(['detected', 'building', 'testing', 'passed', 'awaiting-approval', 'rolling-out', 'live']);
    expect(foldRelease(release.id, told)).toMatchObject({
      image,
      build: { status: 'built', attempt: 1 },
      environments: [
        { environment: 'test', status: 'passed', runs: true, address: 'http://lab:20000' },
        { environment: 'pre-release', stage: 'pre-release', status: 'live', runs: true, address: 'http://lab:20001' },
      ],
    });
  });

  it('knows who signed, and keeps it when the request is said again', () => {
    const tale = story();
    tale.born();
    tale.asked('pre-release');
    tale.signed(mei, 'pre-release');
    tale.asked('pre-release', { newerAvailable: 43 });
    const state = environment(tale.told, 'pre-release');
    expect(state?.request?.approvals.map(({ person }) => person)).toEqual([asReference(mei)]);
    expect(state).toMatchObject({ status: 'awaiting-approval', since: time(2), request: { newerAvailable: 43 } });
  });

  it('starts over with a new request, and an answer to the old one changes nothing', () => {
    const tale = story();
    tale.born();
    tale.asked('pre-release');
    tale.signed(mei, 'pre-release');
    tale.say('approval.rejected', {
      request: uuid(800),
      release,
      environment: 'pre-release',
      by: asReference(omar),
      comment: 'too slow',
      authors: [],
    });
    expect(environment(tale.told, 'pre-release')).toMatchObject({
      status: 'rejected',
      reason: { code: 'rejected', message: 'Omar: too slow' },
    });
    tale.asked('pre-release', { request: uuid(801) });
    tale.say('approval.expired', { request: uuid(800), release, environment: 'pre-release', missing: [] });
    expect(environment(tale.told, 'pre-release')).toMatchObject({
      status: 'awaiting-approval',
      request: { request: uuid(801), approvals: [] },
    });
  });

  it('says what keeps it from being asked for anew, also when the rollout of the earlier request ends afterwards', () => {
    const tale = story();
    tale.born();
    tale.asked('pre-release');
    tale.granted('pre-release');
    const at = { release, environment: 'pre-release', changed: [] };
    tale.say('approval.voided', { ...at, request: uuid(800), reason: why });
    expect(foldRelease(release.id, tale.told)?.phase).toBe('voided');
    const missing = { code: 'target-unknown', message: 'no target is called far' };
    tale.say('approval.voided', { ...at, request: uuid(801), reason: missing, unasked: true });
    const ended = { rollout: uuid(642), kind: 'rollout' as const, request: uuid(800), release, environment: 'pre-release' };
    tale.say('rollout.aborted', { ...ended, reason: why, supersededBy: null });
    expect(environment(tale.told, 'pre-release')).toMatchObject({ status: 'voided', reason: missing, request: null, rollout: null });
    tale.say('approval.superseded', {
      release,
      environment: 'pre-release',
      request: uuid(802),
      by: aRelease(43),
      runs: true,
      unasked: true,
    });
    expect(environment(tale.told, 'pre-release')).toMatchObject({
      status: 'superseded',
      reason: { message: 'release 43 runs there already' },
      replacedBy: 43,
    });
    tale.asked('pre-release', { request: uuid(803) });
    tale.say('approval.voided', { ...at, request: uuid(804), reason: missing, unasked: true });
    expect(environment(tale.told, 'pre-release')?.status).toBe('awaiting-approval');
    expect(timelineOf(tale.told).map(({ text }) => text.en)).toEqual(
      expect.arrayContaining([
        'cannot be asked for pre-release yet: no target is called far',
        'does not go to pre-release: release 43 runs there already',
      ]),
    );
  });

  it('knows which part it waits for, and does not take its absence for a step forward', () => {
    const tale = story();
    tale.born();
    tale.built();
    const moved = foldRelease(release.id, tale.told)?.updatedAt;
    const about = { release: release.id, environment: 'test', part: 'registry' };
    tale.say('part.away', { ...about, since: time(60), reason: 'connection refused' }, { source: 'test-deployer', time: time(70) });
    tale.say(
      'part.away',
      { ...about, part: 'target', since: time(80), reason: 'no route' },
      { source: 'production-rollout', time: time(90) },
    );
    tale.say('part.back', { ...about, afterSeconds: 40 }, { source: 'test-deployer', time: time(100) });
    expect(foldRelease(release.id, tale.told)).toMatchObject({
      away: [{ service: 'production-rollout', part: 'target', environment: 'test', since: time(80) }],
      updatedAt: moved,
    });
    expect(
      timelineOf(tale.told)
        .slice(-3)
        .map(({ text }) => text.en),
    ).toEqual([
      `waits for the registry of test, which has not answered since ${time(60)}: connection refused`,
      `waits for the target of test, which has not answered since ${time(80)}: no route`,
      'goes on without waiting for the registry of test, after 40 s',
    ]);
  });

  it('is not set back by a grant issued anew', () => {
    const tale = toLive();
    tale.granted('pre-release', release, true);
    expect(environment(tale.told, 'pre-release')?.status).toBe('live');
  });

  it('tells what took its place', () => {
    const tale = toLive();
    tale.rolledOut('pre-release', aRelease(43), release);
    expect(environment(tale.told, 'pre-release', uuid(43))).toMatchObject({ status: 'live', runs: true });
    expect(environment(tale.told, 'pre-release')).toMatchObject({ status: 'live', runs: false, replacedBy: 43 });
    expect(foldRelease(release.id, tale.told)?.phase).toBe('replaced');
    tale.rolledOut('pre-release', aRelease(44), aRelease(43));
    expect(environment(tale.told, 'pre-release')?.replacedBy).toBe(43);
    expect(environment(tale.told, 'pre-release', uuid(43))).toMatchObject({ runs: false, replacedBy: 44 });
  });

  it('tells that it was rolled back, and that the earlier one lives again', () => {
    const { told } = rolledBack();
    expect(environment(told, 'pre-release')).toMatchObject({ status: 'rolled-back', runs: false, reason: why, replacedBy: 41 });
    expect(environment(told, 'pre-release', uuid(41))).toMatchObject({ status: 'live', runs: true });
    expect(releasesOf(told.at(-1) as (typeof told)[number]).sort()).toEqual([uuid(41), uuid(42)]);
  });

  it('ends what failed or was withdrawn', () => {
    const tale = story();
    tale.born();
    tale.say('build.failed', { release, attempt: 1, reason: why, step: null, logTail: [], seconds: 1, authors: [] });
    expect(foldRelease(release.id, tale.told)).toMatchObject({ phase: 'failed', build: { status: 'failed', reason: why } });
    tale.say('release.withdrawn', { release, by: asReference(omar), reason: 'bad' });
    expect(foldRelease(release.id, tale.told)).toMatchObject({ phase: 'withdrawn', withdrawn: { reason: 'bad' } });
  });

  it.each([
    ['live', toLive],
    ['rolled back', rolledBack],
  ] as const)('is the same for any order of a story that ends %s, and for events told twice', (_, tell) => {
    const { told } = tell();
    for (const id of [release.id, uuid(41)]) {
      const state = foldRelease(id, told);
      const again = fc.tuple(fc.shuffledSubarray(told, { minLength: told.length }), fc.subarray(told));
      fc.assert(
        fc.property(again, ([shuffled, twice]) => {
          expect(foldRelease(id, [...shuffled, ...twice])).toEqual(state);
        }),
      );
    }
  });

  it.each([
    ['live', toLive],
    ['rolled back', rolledBack],
  ] as const)('grows step by step to the same, in whatever order a story that ends %s comes', (_, tell) => {
    const { told } = tell();
    for (const id of [release.id, uuid(41)]) {
      expect(grown(told, id)).toMatchObject({ state: foldRelease(id, told), anew: 0 });
      fc.assert(
        fc.property(fc.shuffledSubarray(told), (arriving) => {
          for (const [count] of arriving.entries())
            expect(grown(arriving.slice(0, count + 1), id).state).toEqual(foldRelease(id, arriving.slice(0, count + 1)));
        }),
        { numRuns: 30 },
      );
    }
  });

  it('is the same whatever the clocks of the services say, as causes and numbers hold', () => {
    const { told } = toLive();
    const plain = (events: typeof told) =>
      JSON.stringify(foldRelease(release.id, events)?.environments.map(({ environment: name, status, runs }) => ({ name, status, runs })));
    const skews = fc.record({
      'source-watcher': fc.integer({ min: -600, max: 600 }),
      'image-builder': fc.integer({ min: -600, max: 600 }),
      approval: fc.integer({ min: -600, max: 600 }),
      'production-rollout': fc.integer({ min: -600, max: 600 }),
    });
    fc.assert(
      fc.property(skews, (skew) => {
        const skewed = told.map((event) => ({
          ...event,
          time: new Date(Date.parse(event.time) + 1000 * (skew[event.source as keyof typeof skew] ?? 0)).toISOString(),
        }));
        expect(plain(skewed)).toBe(plain(told));
      }),
    );
  });
});

describe('the order of events', () => {
  const event = fc.record({
    id: fc.integer({ min: 1, max: 12 }).map(String),
    source: fc.constantFrom('a', 'b'),
    subject: fc.constant('s'),
    time: fc.integer({ min: 0, max: 5 }).map(time),
    sequence: fc.option(fc.nat(5), { nil: undefined }),
    causationId: fc.option(fc.integer({ min: 1, max: 12 }).map(String), { nil: undefined }),
  });

  it('believes a writer about its own order more than its clock', () => {
    const said = (id: string, sequence: number, at: number) => ({ id, source: 'a', subject: 's', time: time(at), sequence });
    expect(inOrder([said('x', 2, 1), said('y', 1, 9), said('z', 3, 5)]).map(({ id }) => id)).toEqual(['y', 'x', 'z']);
    expect(inOrder([said('x', 2, 1), { ...said('y', 1, 9), subject: 't' }]).map(({ id }) => id)).toEqual(['x', 'y']);
  });

  it('has an event at its end that comes after all, and leaves the others as they were', () => {
    let ends = 0;
    fc.assert(
      fc.property(fc.uniqueArray(event, { selector: ({ id }) => id, minLength: 1 }), (events) => {
        const [last, ...others] = events as [(typeof events)[number], ...typeof events];
        if (!comesAfter(last, others)) return;
        ends++;
        expect(inOrder(events)).toEqual([...inOrder(others), last]);
      }),
      { numRuns: 1000 },
    );
    expect(ends).toBeGreaterThan(100);
  });

  it('does not have it at its end where it caused another, was numbered before, or is older', () => {
    const said = (id: string, at: number, more: { sequence?: number; causationId?: string } = {}) => ({
      id,
      source: 'a',
      subject: 's',
      time: time(at),
      ...more,
    });
    expect(comesAfter(said('x', 5), [])).toBe(true);
    expect(comesAfter(said('x', 5, { sequence: 2 }), [said('w', 5, { sequence: 1 })])).toBe(true);
    expect(comesAfter(said('x', 5), [said('y', 5)])).toBe(false);
    expect(comesAfter(said('x', 5), [said('w', 4, { causationId: 'x' })])).toBe(false);
    expect(comesAfter(said('x', 5, { sequence: 1 }), [said('w', 4, { sequence: 2 })])).toBe(false);
  });

  it('has each event once and ends, even where causes run in a circle', () => {
    fc.assert(
      fc.property(fc.uniqueArray(event, { selector: ({ id }) => id }), fc.nat(), (events, seed) => {
        const ordered = inOrder([...events, ...events]);
        expect(ordered.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
        expect(inOrder(events.toSorted((one, other) => ((Number(one.id) * 7 + seed) % 13) - ((Number(other.id) * 7 + seed) % 13)))).toEqual(
          ordered,
        );
      }),
    );
  });
});

describe('the timeline', () => {
  it('tells a release in sentences, oldest first, a request once', () => {
    const tale = toLive();
    tale.asked('pre-release', { newerAvailable: 43 });
    const lines = timelineOf([...tale.told].reverse());
    expect(lines.map(({ text }) => text.en)).toEqual([
      'release 42 born from aaaaaaaaaaaa with 1 commit',
      'build started',
      'image bbbbbbbbbbbb built in 12 s',
      'being deployed to test',
      'runs in test with 1 instance after 3 s',
      'verified in test, 0 checks passed',
      'sign-off asked for pre-release',
      'Mei signed off for pre-release',
      'Omar signed off for pre-release',
      'granted for pre-release',
      'rollout to pre-release started',
      'live in pre-release after 4 s',
    ]);
    expect(lines.every(({ text }) => /[\u4e00-\u9fff]/.test(text.zh))).toBe(true);
    expect(lines.find(({ name }) => name === 'sign-off.accepted')?.by).toEqual(asReference(mei));
  });
});
