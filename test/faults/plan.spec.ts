import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Board } from './crash/board.ts';
import { type FaultKind, type Sufferer, sufferers } from './fault.js';
import { bounds, chanceOf, endOf, mayOverlap, type Planned, planOf, wholeMinutes } from './plan.js';
import { processFaults } from './process-faults.js';

const nobody = { killAll: async () => {}, startAll: async () => {} };
const points = ['approval · on sign-off.posted · before commit', 'image-builder · docker POST /build · during the call'];
const kinds: FaultKind[] = [
  ...processFaults({ replicas: 3, points, board: new Board('/nowhere'), parts: nobody, killed: () => {} }),
  ...sufferers.filter((part) => part !== 'service').flatMap((part) => [partFault(`${part} away`, part), partFault(`${part} slow`, part)]),
];

/** As faults of parts are: of any length, beside any other part's. */
function partFault(name: string, part: Sufferer): FaultKind {
  const make: FaultKind['make'] = (chance, seconds) => {
    const share = chance.whole(1, 100);
    return { name: `${name} at ${share} % for ${seconds} s`, begin: async () => {}, end: async () => {} };
  };
  return { name, part, lasts: { least: 3, most: 30 }, overlaps: sufferers, make };
}

const told = (plan: readonly Planned[]) => plan.map(({ at, seconds, kind, fault }) => `${at} ${seconds} ${kind.name}: ${fault.name}`);
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('the plan of a fault run', () => {
  it('is the same for the same seed', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(told(planOf(seed, 10, kinds))).toEqual(told(planOf(seed, 10, kinds)));
      }),
      { numRuns: 10 },
    );
  });

  it('is another for another seed', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(told(planOf(seed, 10, kinds))).not.toEqual(told(planOf(seed + 1, 10, kinds)));
      }),
      { numRuns: 10 },
    );
  });

  it('begins a longer run as it does a shorter one', () => {
    const short = told(planOf(7, 5, kinds));
    expect(told(planOf(7, 30, kinds)).slice(0, short.length - 3)).toEqual(short.slice(0, -3));
  });

  it('has every kind in it within half an hour', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const used = new Set(planOf(seed, wholeMinutes, kinds).map(({ kind }) => kind.name));
        expect(kinds.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  it('has a kind that weighs less than one in it now and then', () => {
    const rare = { ...partFault('seldom', 'kafka'), weight: 0.3 };
    const often = (seed: number) => planOf(seed, 600, [...kinds, rare]).filter(({ kind }) => kind === rare).length;
    const usual = (seed: number) =>
      planOf(seed, 600, [...kinds, { ...rare, weight: 1 }]).filter(({ kind }) => kind.name === rare.name).length;
    expect(often(1)).toBeGreaterThan(0);
    expect(often(1) * 2).toBeLessThan(usual(1));
  });

  it('never does more at once than it may, nor together what may not overlap, and ends in time', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const plan = planOf(seed, 10, kinds);
        for (const one of plan) {
          const before = plan.slice(0, plan.indexOf(one)).filter((other) => endOf(other) > one.at);
          expect(before.length).toBeLessThan(bounds.atOnce);
          expect(before.every((other) => mayOverlap(one.kind, other.kind))).toBe(true);
          expect(one.at + one.seconds).toBeLessThanOrEqual(600);
          expect(one.at).toBeGreaterThanOrEqual(bounds.calm);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('leaves quiet spells in which releases get on', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const plan = planOf(seed, 10, kinds);
        let quiet = 0;
        let ended = 0;
        for (const one of plan) {
          if (one.at - ended >= bounds.quietFor) quiet += 1;
          ended = Math.max(ended, endOf(one));
        }
        expect(quiet).toBeGreaterThanOrEqual(4);
      }),
      { numRuns: 10 },
    );
  });

  it('deals with chance that is evenly spread', () => {
    const chance = chanceOf(42);
    const drawn = Array.from({ length: 600 }, () => chance.whole(1, 6));
    for (const face of [1, 2, 3, 4, 5, 6]) expect(drawn.filter((each) => each === face).length).toBeGreaterThan(60);
    expect(() => chance.one([])).toThrow(/nothing to choose/);
  });
});
