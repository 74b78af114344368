import type { Phase } from '@slipway/release';
import { aDigest, anId, aRelease } from '@slipway/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EnvironmentFacts, freshEnvironment } from './environment-view.js';
import { type Keeper, newestOfLines, type RetentionRule, type Shelf, spareImages } from './image-retention.js';

const long = '2026-01-01T00:00:00.000Z';
const now = '2026-11-23T00:00:00.000Z';
const rule: RetentionRule = { since: '2026-05-27T00:00:00.000Z', newest: 2 };
const phases: readonly Phase[] = [
  ...(['detected', 'building', 'testing', 'awaiting-approval', 'rolling-out', 'live', 'passed', 'replaced'] as const),
  ...(['failed', 'cancelled', 'rejected', 'expired', 'voided', 'superseded', 'rolled-back', 'withdrawn'] as const),
];

function aKeeper(number: number, change: Partial<Keeper> = {}): Keeper {
  const image = { repository: 'localhost:5000/shop', digest: aDigest(String(number)) };
  return { id: anId(), number, line: 'main', phase: 'superseded', isAnywhere: true, changedAt: long, image, runs: [], ...change };
}
const shelf = (releases: readonly Keeper[], more: Partial<Shelf> = {}): Shelf => ({
  releases,
  environments: [],
  waiting: new Set(),
  named: new Set(),
  ...more,
});
const spare = (of: Shelf, by = rule) => spareImages(of, by).map(({ releases }) => releases.map(({ number }) => number));

/** An environment in which these came up one after the other, the last of which runs. */
function environmentOf(name: string, cameUp: readonly Keeper[], change: Partial<EnvironmentFacts> = {}): EnvironmentFacts {
  const history = cameUp
    .map(({ number, image }, nth) => ({
      ...{ id: `${name}${nth}`, release: number, digest: image?.digest as string, at: new Date(Date.parse(long) + nth).toISOString() },
      ...{ how: 'rolled-out' as const, by: null, seconds: 1 },
    }))
    .reverse();
  const last = cameUp.at(-1);
  const release = aRelease({ project: 'shop', ...(last ? { id: last.id, number: last.number } : {}) });
  const running = last?.image ? { at: long, value: { release, image: last.image, address: 'x' } } : null;
  return { ...freshEnvironment('shop', name), running, history, ...change };
}

describe('the image of a release', () => {
  it.each(phases)('of a release that is %s for long: it is spare only where nothing moves any more', (phase) => {
    const isMoving = ['detected', 'building', 'testing', 'awaiting-approval', 'rolling-out'].includes(phase);
    expect(spare(shelf([aKeeper(1, { phase })]))).toEqual(isMoving ? [] : [[1]]);
    expect(spare(shelf([aKeeper(1, { phase, changedAt: now })]))).toEqual([]);
  });

  it('is spare where it was built and no environment took it, unless it still waits to go on', () => {
    const built = aKeeper(1, { phase: 'testing', isAnywhere: false });
    expect(spare(shelf([built]))).toEqual([[1]]);
    expect(spare(shelf([built], { waiting: new Set([built.id]) }))).toEqual([]);
  });

  it('stays while another release has it that is not over', () => {
    const { image } = aKeeper(1);
    const [one, two] = [aKeeper(1, { image }), aKeeper(2, { image, phase: 'awaiting-approval' })];
    expect(spare(shelf([one, two]))).toEqual([]);
    expect(spare(shelf([one, { ...two, phase: 'rejected' }]))).toEqual([[1, 2]]);
  });

  it('stays where it runs, rolls out, or is one of the newest that came up', () => {
    const [one, two, three, four] = [aKeeper(1), aKeeper(2), aKeeper(3), aKeeper(4)];
    const all = [one, two, three, four];
    expect(spare(shelf(all, { environments: [environmentOf('production', all)] }))).toEqual([[1], [2]]);
    const rolling = { at: now, value: { release: aRelease({ id: one.id, number: 1 }), rollout: 'x', ready: 0, wanted: 1 } };
    expect(spare(shelf(all, { environments: [environmentOf('production', all, { rolling })] }))).toEqual([[2]]);
    const back = environmentOf('production', [...all, one]);
    expect(spare(shelf(all, { environments: [back] }))).toEqual([[2], [3]]);
    expect(spare(shelf(all, { environments: [environmentOf('production', all), environmentOf('test', [one])] }))).toEqual([[2]]);
  });

  it('that was withdrawn is nothing to go back to, and an older one is', () => {
    const withdrawn = { phase: 'withdrawn' as const };
    const all = [aKeeper(1), aKeeper(2), aKeeper(3, withdrawn), aKeeper(4, withdrawn), aKeeper(5)];
    expect(spare(shelf(all, { environments: [environmentOf('production', all)] }))).toEqual([[1], [3], [4]]);
  });

  it('that was rolled back from takes the place of none that a rollback goes back to', () => {
    const [one, two, three, four] = [aKeeper(1), aKeeper(2), aKeeper(3), aKeeper(4)];
    const all = [one, two, three, four];
    const barred = { '2': { at: long, value: true }, '3': { at: long, value: true } };
    expect(spare(shelf(all, { environments: [environmentOf('production', all, { barred })] }))).toEqual([]);
    const letIn = { ...barred, '3': { at: now, value: false } };
    expect(spare(shelf(all, { environments: [environmentOf('production', all, { barred: letIn })] }))).toEqual([[1], [2]]);
  });

  it('that came up as a release that was withdrawn takes no place, though another release has it', () => {
    const [one, two, three] = [aKeeper(1), aKeeper(2, { phase: 'withdrawn' }), aKeeper(4)];
    const other = aKeeper(3, { image: two.image });
    expect(spare(shelf([one, two, other, three], { environments: [environmentOf('production', [one, two, three])] }))).toEqual([]);
  });

  it('stays while a file names it', () => {
    const [one, two] = [aKeeper(1), aKeeper(2)];
    expect(spare(shelf([one, two], { named: new Set([one.image?.digest as string]) }))).toEqual([[2]]);
  });

  it('stays while what failed is left running for a look, until the environment is taken away', () => {
    const failed = aKeeper(1, { phase: 'failed', runs: [{ environment: 'test', since: long }] });
    expect(spare(shelf([failed]))).toEqual([]);
    expect(spare(shelf([failed], { environments: [environmentOf('test', [aKeeper(9)])] }))).toEqual([]);
    const gone = environmentOf('test', [], { running: { at: now, value: null } });
    expect(spare(shelf([failed], { environments: [gone] }))).toEqual([[1]]);
  });

  it('of each line the newest is known', () => {
    const [one, two, other] = [aKeeper(1), aKeeper(2), aKeeper(1, { line: 'feature/x' })];
    expect(newestOfLines([one, two, other])).toEqual([two, other]);
  });
});

describe('whatever a project went through', () => {
  const keepers = fc
    .array(
      fc.record({ phase: fc.constantFrom(...phases), old: fc.boolean(), shares: fc.boolean(), waits: fc.boolean(), runs: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 25,
      },
    )
    .map((all) => {
      const made: { keeper: Keeper; waits: boolean }[] = [];
      for (const [at, { phase, old, shares, waits, runs }] of all.entries()) {
        const own = aKeeper(at + 1, { phase, changedAt: old ? long : now, runs: runs ? [{ environment: 'test', since: long }] : [] });
        const image = (shares ? made.at(-1)?.keeper.image : undefined) ?? own.image;
        made.push({ waits, keeper: { ...own, image } });
      }
      return made;
    });
  const picks = fc.array(fc.array(fc.nat(24), { maxLength: 12 }), { maxLength: 3 });

  it('no image goes that runs, moves, waits or is an aim of a rollback, and each that goes was whole', () => {
    fc.assert(
      fc.property(keepers, picks, fc.array(fc.nat(24), { maxLength: 2 }), fc.integer({ min: 1, max: 4 }), (all, cameUp, pinned, newest) => {
        const releases = all.map(({ keeper }) => keeper);
        const at = (nth: number) => releases[nth % releases.length] as Keeper;
        const environments = cameUp.map((those, nth) => environmentOf(`e${nth}`, those.map(at)));
        const waiting = new Set(all.filter(({ waits }) => waits).map(({ keeper }) => keeper.id));
        const named = new Set(pinned.map((nth) => at(nth).image?.digest as string));
        const found = spareImages({ releases, environments, waiting, named }, { ...rule, newest });
        const going = new Set(found.map(({ image }) => image.digest));
        for (const { image, phase, changedAt, id, runs } of releases) {
          if (!going.has(image?.digest as string)) continue;
          expect([changedAt, waiting.has(id), runs]).toEqual([long, false, []]);
          expect(named.has(image?.digest as string)).toBe(false);
          expect(['detected', 'building', 'testing', 'awaiting-approval', 'rolling-out']).not.toContain(phase);
        }
        for (const { history, running } of environments) {
          expect(going.has(running?.value?.image.digest as string)).toBe(false);
          const good = history.filter(({ digest }) => releases.some((each) => each.image?.digest === digest && each.phase !== 'withdrawn'));
          for (const digest of [...new Set(good.map((change) => change.digest))].slice(0, newest)) expect(going.has(digest)).toBe(false);
        }
        for (const { image, releases: those } of found)
          expect(those).toHaveLength(releases.filter((each) => each.image?.digest === image.digest).length);
      }),
      { numRuns: 500 },
    );
  });

  it('what stays is bounded by what runs, moves and came up last, not by how many releases there were', () => {
    const all = Array.from({ length: 500 }, (_, at) => aKeeper(at + 1, { phase: at % 3 ? 'replaced' : 'failed' }));
    const environments = ['test', 'pre-release', 'production'].map((name) => environmentOf(name, all.slice(-100)));
    const left = 500 - spareImages(shelf(all, { environments }), { ...rule, newest: 10 }).length;
    expect(left).toBe(10);
  });
});
