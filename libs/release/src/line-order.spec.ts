import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareReleases, goesBackwards, newestOf, type Ordered } from './line-order.js';

const at = (number: number, change: Partial<Ordered> = {}): Ordered => ({
  id: `r${number}`,
  number,
  line: 'main',
  ancestorOf: [],
  ...change,
});

describe('newer and older', () => {
  it.each([
    ['a higher number of the line', at(10), at(11), 'newer'],
    ['a lower number of the line', at(10), at(9), 'older'],
    ['the same release', at(10), at(10), 'same'],
    ['another line, though its number is higher', at(10), at(11, { line: 'release/1' }), 'unrelated'],
    ['a tag set late on a commit the running one contains', at(10), at(12, { ancestorOf: [9, 10, 11] }), 'older'],
    ['what contains a running late tag', at(12, { ancestorOf: [9, 10, 11] }), at(10), 'newer'],
    ['an ancestor on another line', at(10), at(12, { line: 'old', ancestorOf: [10] }), 'older'],
  ] as const)('%s', (_, running, candidate, order) => {
    expect(compareReleases(running, candidate)).toBe(order);
    expect(goesBackwards(running, candidate)).toBe(order === 'older');
  });

  it('goes nowhere backwards where nothing runs', () => {
    expect(goesBackwards(null, at(1))).toBe(false);
  });

  const release = fc.record({ number: fc.integer({ min: 1, max: 30 }), line: fc.constantFrom('main', 'release/1'), depth: fc.nat(3) });
  const built = (parts: { number: number; line: string; depth: number }): Ordered =>
    at(parts.number, {
      line: parts.line,
      ancestorOf: Array.from({ length: Math.min(parts.depth, parts.number - 1) }, (_, index) => parts.number - 1 - index),
    });

  it('is told alike from both sides', () => {
    const opposite = { newer: 'older', older: 'newer', same: 'same', unrelated: 'unrelated' } as const;
    fc.assert(
      fc.property(release, release, (one, other) => {
        // A number belongs to one release.
        fc.pre(one.number !== other.number);
        expect(compareReleases(built(one), built(other))).toBe(opposite[compareReleases(built(other), built(one))]);
      }),
    );
  });

  it('chooses the same one to go, whatever the order they wait in', () => {
    const waiting = fc.uniqueArray(release, { selector: ({ number }) => number, minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(waiting, (parts) => {
        const releases = parts.map(built);
        expect(newestOf([...releases].reverse(), (each) => each)).toBe(newestOf(releases, (each) => each));
      }),
    );
    expect(newestOf([at(3), at(7), at(5)], (each) => each)?.number).toBe(7);
    expect(newestOf([at(10), at(12, { ancestorOf: [10] })], (each) => each)?.number).toBe(10);
    expect(newestOf([], (each: Ordered) => each)).toBeUndefined();
  });
});
