import { aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { changeOf, commitsOf, hasGrown, type Link, mostCommits, movedOn, titleOf } from './change.js';

const link = (number: number, from: number | null, line = 'main', revision = `r${number}`): Link => ({
  number,
  line,
  revision,
  from: from === null ? null : `r${from}`,
});
const [one, two, three, branch, tip] = [link(1, null), link(2, 1), link(3, 2), link(4, 3, 'fix'), link(5, 4, 'fix')] as const;
const all = [one, two, three, branch, tip];

describe('whose change a release is', () => {
  it('is everything of its line since what runs', () => {
    expect(changeOf(all, one, three)).toEqual({ numbers: [2, 3], unheard: null });
  });

  it('begins with the first release where nothing runs', () => {
    expect(changeOf(all, null, three).numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  it('counts what a branch has grown from and does not run yet', () => {
    expect(changeOf(all, one, tip).numbers.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
    expect(changeOf(all, three, tip).numbers.toSorted((a, b) => a - b)).toEqual([4, 5]);
    expect(changeOf(all, link(6, 3), tip).numbers.toSorted((a, b) => a - b)).toEqual([4, 5]);
  });

  it('counts everything where what runs is on neither way', () => {
    expect(changeOf(all, link(9, null, 'elsewhere'), tip).numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  });

  it('goes through releases of one revision and comes to an end', () => {
    const again = { ...link(4, 3), revision: 'r3' };
    expect(changeOf([one, two, three, again], one, again).numbers.toSorted((a, b) => a - b)).toEqual([2, 3, 4]);
  });

  it('says where it has not heard of a release', () => {
    expect(changeOf([one, three], one, three)).toEqual({ numbers: [3], unheard: 'r2' });
    expect(changeOf([tip, branch], one, tip)).toMatchObject({ unheard: 'r3' });
  });
});

describe('a change that was asked about', () => {
  const stranger = { name: 'Sam', email: 'sam@elsewhere.example', account: null };
  const was = { involved: ['ann', 'bob'], unmatched: [stranger], total: 3 };

  it('has grown by a person, by somebody nobody knows, and by a commit', () => {
    expect(hasGrown(was, { ...was, involved: ['bob', 'carol'] })).toBe(true);
    expect(hasGrown(was, { ...was, unmatched: [{ ...stranger, email: null }] })).toBe(true);
    expect(hasGrown(was, { ...was, total: 4 })).toBe(true);
  });

  it('has not where it is less, or the same', () => {
    expect(hasGrown(was, { ...was, unmatched: [{ ...stranger }] })).toBe(false);
    expect(hasGrown(was, { involved: ['bob'], unmatched: [], total: 1 })).toBe(false);
  });

  it('cannot grow where what runs moves on in its line', () => {
    const [older, newer] = [aRelease({ number: 4 }), aRelease({ number: 5 })];
    expect(movedOn(older, newer)).toBe(true);
    expect(movedOn(newer, older)).toBe(false);
    expect(movedOn(older, { ...newer, line: 'fix' })).toBe(false);
  });
});

describe('what people read of a change', () => {
  const commit = (revision: string) => ({ revision, author: 'Ann', title: revision });

  it('is each commit once, newest first, by the release that brought it first', () => {
    const brought = [
      { number: 1, commits: [commit('b'), commit('a')], total: 2 },
      { number: 2, commits: [commit('c'), commit('b')], total: 2 },
    ];
    expect(commitsOf(brought)).toMatchObject({
      commits: [
        { release: 2, revision: 'c' },
        { release: 1, revision: 'b' },
        { release: 1, revision: 'a' },
      ],
      total: 3,
    });
  });

  it('is cut, but counted whole', () => {
    const commits = Array.from({ length: mostCommits }, (_, at) => commit(`r${at}`));
    const told = commitsOf([
      { number: 1, commits, total: 300 },
      { number: 2, commits: [commit('new')], total: 1 },
    ]);
    expect(told.commits).toHaveLength(mostCommits);
    expect(told).toMatchObject({ total: 301, commits: expect.arrayContaining([{ release: 2, ...commit('new') }]) });
  });

  it('is the first line of a message, and no more than fits', () => {
    expect(titleOf('\nSell hats\n\nAll sizes.')).toBe('Sell hats');
    expect(titleOf('x'.repeat(4000))).toHaveLength(200);
    expect(titleOf(`${'x'.repeat(199)}😀`).isWellFormed()).toBe(true);
    expect(titleOf('')).toBe('');
  });
});
