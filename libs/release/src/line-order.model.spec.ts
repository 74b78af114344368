import { describe, expect, it } from 'vitest';
import { compareReleases, newestOf, type Ordered } from './line-order.js';
import { uuid } from './story.example.js';

/** Three releases, on one line or two, each a possible ancestor of what has a higher or a lower number: a tag may name any commit. */
function* histories(): Iterable<Ordered[]> {
  const ancestors = (number: number) => [1, 2, 3].filter((each) => each !== number);
  const subsets = ([one, two]: number[]) => [[], [one], [two], [one, two]] as number[][];
  for (const lines of [
    ['a', 'a', 'a'],
    ['a', 'a', 'b'],
    ['a', 'b', 'a'],
    ['b', 'a', 'a'],
  ])
    for (const one of subsets(ancestors(1)))
      for (const two of subsets(ancestors(2)))
        for (const three of subsets(ancestors(3))) {
          const all = [one, two, three].map((ancestorOf, at) => ({ id: uuid(at + 1), number: at + 1, line: lines[at] ?? '', ancestorOf }));
          if (isPossible(all)) yield all;
        }
}

/** Nothing is its own ancestor, and the ancestor of an ancestor is one. */
function isPossible(all: readonly Ordered[]): boolean {
  return all.every(({ number, ancestorOf }) =>
    ancestorOf.every((each) => {
      const next = all.find((other) => other.number === each)?.ancestorOf ?? [];
      return !next.includes(number) && next.every((further) => ancestorOf.includes(further));
    }),
  );
}

/** The first history in which an order says one thing from here and another from there, and how many were looked at. */
function firstContradiction(compare: typeof compareReleases): { looked: number; wrong: string } {
  let looked = 0;
  let wrong = '';
  for (const all of histories()) {
    looked++;
    for (const one of all)
      for (const other of all) {
        const [there, back] = [compare(one, other), compare(other, one)];
        const fits = { newer: 'older', older: 'newer', same: 'same', unrelated: 'unrelated' }[there] === back;
        const isAncestor = other.ancestorOf.includes(one.number);
        if (!fits || (isAncestor && there !== 'older')) wrong ||= `${there}, and back ${back}: ${JSON.stringify([one, other])}`;
      }
  }
  return { looked, wrong };
}

describe('every way in which three releases can stand to each other', () => {
  it('is told alike from both sides, and an ancestor is older whatever its number', () => {
    const { looked, wrong } = firstContradiction(compareReleases);
    expect(wrong).toBe('');
    expect(looked).toBeGreaterThan(70);
  });

  it('has one that goes, and none of the others is newer, where any is newest', () => {
    let wrong = '';
    for (const all of histories())
      for (const waiting of [all, all.toReversed(), [all[1], all[2], all[0]] as Ordered[]]) {
        const newest = newestOf(waiting, (each) => each) as Ordered;
        const isBeaten = (one: Ordered) => waiting.some((each) => compareReleases(one, each) === 'newer');
        if (isBeaten(newest) && !waiting.every(isBeaten)) wrong ||= JSON.stringify({ all, newest: newest.number });
      }
    expect(wrong).toBe('');
  });

  it('has teeth: an order by number alone contradicts the ancestors', () => {
    const byNumber: typeof compareReleases = (one, other) =>
      one.id === other.id ? 'same' : one.line !== other.line ? 'unrelated' : other.number > one.number ? 'newer' : 'older';
    expect(firstContradiction(byNumber).wrong).toMatch(/^(newer|unrelated), and back/);
  });
});
