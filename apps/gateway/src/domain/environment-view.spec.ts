import type { Told } from '@slipway/release';
import { aDigest, anId, aRelease } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentIn, foldEnvironmentFacts, freshEnvironment } from './environment-view.js';

let tick = 0;
/** An event a second after the one before. */
function said(name: string, data: Record<string, unknown>): Told {
  tick += 1;
  const time = new Date(Date.parse('2026-11-23T05:00:00Z') + tick * 1000).toISOString();
  return {
    id: anId(),
    name,
    source: 'production-rollout',
    subject: 'x',
    time,
    data: { environment: 'production', ...data },
  } as unknown as Told;
}
const one = aRelease({ number: 1 });
const two = aRelease({ number: 2 });
const image = (release: typeof one) => ({ repository: 'r/shop', digest: aDigest(release.id) });
const rollout = { stage: 'production', kind: 'rollout' };
const of = (release: typeof one, more: Record<string, unknown> = {}) => ({
  ...rollout,
  release,
  image: image(release),
  address: 'http://x',
  rollout: anId(),
  ...more,
});
const by = { id: anId(), name: 'Otto' };

const story: Told[] = [
  said('rollout.started', of(one)),
  said('rollout.advanced', of(one, { ready: 1, wanted: 2 })),
  said('rollout.succeeded', of(one, { instances: 2, seconds: 5 })),
  said('environment.scaled', { project: 'shop', from: 2, to: 4, by, reason: 'sale', seconds: 1 }),
  said('rollout.started', of(two)),
  said('rollout.succeeded', of(two, { instances: 4, seconds: 6 })),
  said('environment.drifted', { project: 'shop', release: two, found: ['1 of 2 instances serve'], healing: true }),
  said('environment.recovered', { project: 'shop', release: two, seconds: 1, what: 'x' }),
  said('rollout.rolled-back', of(one, { from: two, by, reason: { code: 'asked', message: 'x' }, seconds: 3 })),
];
const fold = (events: readonly Told[]) => events.reduce(foldEnvironmentFacts, freshEnvironment('shop', 'production'));

describe('an environment', () => {
  it('differs in what was found, until it is mended', () => {
    const drifted = fold(story.slice(0, 7));
    expect([drifted.drifted?.value, drifted.drift?.value]).toEqual([true, ['1 of 2 instances serve']]);
    const mended = fold(story.slice(0, 8));
    expect([mended.drifted?.value, mended.drift?.value]).toEqual([false, []]);
  });

  it('runs what was last brought there, scaled as last asked, with what was left barred', () => {
    const facts = fold(story);
    expect(facts.running?.value?.release.number).toBe(1);
    expect([facts.rolling?.value, facts.scaledTo?.value, facts.drifted?.value, facts.stage]).toEqual([null, 4, false, 'production']);
    expect(facts.barred).toEqual({ 2: expect.objectContaining({ value: true }) });
    expect(facts.history.map(({ release, how, by: who }) => [release, how, who])).toEqual([
      [1, 'rolled-back', 'Otto'],
      [2, 'rolled-out', null],
      [1, 'rolled-out', null],
    ]);
  });

  it('shows a rollout while it goes on', () => {
    expect(fold(story.slice(0, 2)).rolling?.value).toMatchObject({ release: one, ready: 1, wanted: 2 });
  });

  it('lets a barred release in once it was signed off anew', () => {
    const facts = fold([...story, said('approval.granted', { release: two })]);
    expect(facts.barred['2']?.value).toBe(false);
  });

  it('is the same whatever order its events come in, and however often', () => {
    const inOrder = fold(story);
    fc.assert(
      fc.property(fc.shuffledSubarray([...story, ...story], { minLength: story.length * 2 }), (events) => {
        expect(fold(events)).toEqual(inOrder);
      }),
      { numRuns: 200 },
    );
  });

  it('remembers an image however often another one came up since, and only so many of them', () => {
    const before = said('rollout.succeeded', of(one, { instances: 1, seconds: 1 }));
    const settings = Array.from({ length: 300 }, (_, at) =>
      said('rollout.succeeded', of(aRelease({ number: at + 2 }), { image: image(two), instances: 1, seconds: 1 })),
    );
    const { history } = fold([before, ...settings]);
    expect([history.length, history.at(-1)?.digest]).toEqual([101, image(one).digest]);
    expect(fold([...settings, before].reverse()).history).toEqual(history);
    const others = Array.from({ length: 200 }, (_, at) =>
      said('rollout.succeeded', of(aRelease({ number: at + 1 }), { instances: 1, seconds: 1 })),
    );
    expect(fold([before, ...settings, ...others]).history).toHaveLength(100);
  });

  it('is found in events that name the project themselves and in those of a release', () => {
    expect(environmentIn(story[0] as Told)).toEqual({ project: 'shop', environment: 'production' });
    expect(environmentIn(story[3] as Told)).toEqual({ project: 'shop', environment: 'production' });
    expect(environmentIn(said('commit.detected', { release: one, environment: undefined }))).toBeUndefined();
  });
});
