import { describe, expect, it } from 'vitest';
import { changeOf, commitsOf, grewFrom, hasGrown, holds, type Link, mostCommits, type Runs, titleOf } from './change.js';

const link = (number: number, from: number | null, line = 'main', revision = `r${number}`): Link => ({
  number,
  line,
  revision,
  from: from === null ? null : `r${from}`,
  merged: [],
});
const [one, two, three, branch, tip] = [link(1, null), link(2, 1), link(3, 2), link(4, 3, 'fix'), link(5, 4, 'fix')] as const;
const all = [one, two, three, branch, tip];
const runs = ({ from: _, merged: __, ...link }: Link, ancestorOf: number[] = [], ref = link.line): Runs => ({ ...link, ref, ancestorOf });
const inOrder = (...asked: Parameters<typeof changeOf>) => changeOf(...asked).numbers.toSorted((a, b) => a - b);

describe('whose change a release is', () => {
  it('is everything of its line since what runs', () => {
    expect(changeOf(all, runs(one), three)).toEqual({ numbers: [2, 3], unheard: null });
  });

  it('begins with the first release where nothing runs', () => {
    expect(inOrder(all, null, three)).toEqual([1, 2, 3]);
  });

  it('counts what a branch has grown from and does not run yet', () => {
    expect(inOrder(all, runs(one), tip)).toEqual([2, 3, 4, 5]);
    expect(inOrder(all, runs(three), tip)).toEqual([4, 5]);
    const later = link(6, 3);
    expect(inOrder([...all, later], runs(later), tip)).toEqual([4, 5]);
  });

  it('stops where what runs has grown from, too', () => {
    const sibling = link(6, 2, 'other');
    expect(inOrder([...all, sibling], runs(sibling), tip)).toEqual([3, 4, 5]);
    expect(inOrder([...all, sibling], runs(tip), sibling)).toEqual([6]);
  });

  it('counts everything where what runs is on neither way', () => {
    expect(inOrder(all, runs(link(9, null, 'elsewhere')), tip)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is everything since the code of a tag, however late that was set', () => {
    const [four, tag] = [link(4, 3), { ...link(5, 1), revision: 'r1' }];
    const candidate = link(6, 4);
    expect(inOrder([one, two, three, four, tag, candidate], runs(tag, [2, 3, 4], 'refs/tags/v1'), candidate)).toEqual([2, 3, 4, 5, 6]);
    const late = { ...tag, number: 200, from: 'r151' };
    expect(inOrder([one, two, three, four, late], runs(late, [150, 151], 'refs/tags/v1'), link(201, 4))).toEqual([1, 2, 3, 4, 200, 201]);
  });

  it('is everything since what a tag on a branch that was merged since holds', () => {
    const [merge, tag, next] = [link(4, 3), { ...link(5, 1), revision: 'fixed' }, link(6, 4)];
    expect(inOrder([one, two, three, merge, tag, next], runs(tag, [4], 'refs/tags/v1.0.1'), next)).toEqual([2, 3, 4, 5, 6]);
  });

  it('is what came on a branch since its own release there, though another line held that before', () => {
    const [moved, next] = [{ ...link(4, 1, 'live'), revision: 'r2' }, link(5, 4, 'live')];
    expect(inOrder([one, two, three, moved, next], runs(moved, [3]), next)).toEqual([5]);
  });

  it('is everything below what was told before that had to hold what it was compared with', () => {
    const old = (each: Link): Link => ({ ...each, merged: null });
    const [rewritten, back, next] = [{ ...link(4, 3), revision: 'rewritten' }, link(5, 3), { ...link(6, null), from: 'rewritten' }];
    const before = [one, two, three, rewritten].map(old);
    expect(inOrder([...before, back], runs(rewritten), back)).toEqual([1, 2, 3, 5]);
    expect(inOrder([...before, next], runs(rewritten), next)).toEqual([6]);
    expect(holds([...before, next], runs(next), runs(rewritten))).toBe(true);
    const late = { ...link(4, 3), revision: 'r1' };
    expect(inOrder([...[one, two, three, late].map(old), link(5, 3)], runs(late, [2, 3], 'refs/tags/v1'), link(5, 3))).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  it('goes through releases of one revision and comes to an end', () => {
    const again = { ...link(4, 3), revision: 'r3' };
    expect(inOrder([one, two, three, again], runs(one), again)).toEqual([2, 3, 4]);
  });

  it('leaves out what a branch brought that what runs has merged, and counts what it does not run of it', () => {
    const merge = { ...link(6, 3), merged: [5] };
    const further = link(7, 5, 'fix');
    const linked = [...all, merge, further];
    expect(inOrder(linked, runs(merge), further)).toEqual([7]);
    expect(inOrder(linked, runs(branch), merge)).toEqual([5, 6]);
    expect(inOrder(linked, runs(two), link(8, 6))).toEqual([3, 4, 5, 6, 8]);
  });

  it('counts what was dropped from a line and comes back, and what stays dropped no more', () => {
    const rewritten = { ...link(6, 2), revision: 'rewritten' };
    const [back, on] = [link(7, 3), { ...link(8, null), from: 'rewritten' }];
    const linked = [one, two, three, rewritten, back, on];
    expect(inOrder(linked, runs(rewritten), back)).toEqual([3, 7]);
    expect(inOrder(linked, runs(rewritten), on)).toEqual([7, 8]);
    expect(inOrder([one, two, three, rewritten, on], runs(rewritten), on)).toEqual([8]);
    const both = { ...on, merged: [3] };
    expect(inOrder([one, two, three, rewritten, both], runs(rewritten), both)).toEqual([3, 8]);
  });

  it('tells two lines of one revision of Subversion apart', () => {
    const svn = (number: number, line: string, revision: string, from: string | null, merged: number[] = []): Link => {
      return { number, line, revision, from, merged };
    };
    const [trunk, side] = [svn(1, 'trunk', '10', null), svn(2, 'side', '10', null)];
    const [grown, next] = [svn(3, 'live', '11', '10', [1]), svn(4, 'side', '12', '10')];
    const linked = [trunk, side, grown, next];
    expect(inOrder(linked, runs(trunk), next)).toEqual([2, 4]);
    expect(inOrder(linked, runs(grown), next)).toEqual([2, 4]);
    expect(inOrder(linked, runs(side), grown)).toEqual([1, 3]);
    expect([trunk, side].map((each) => grewFrom(linked, runs(grown), runs(each)))).toEqual([true, false]);
  });

  it('says where it has not heard of a release', () => {
    expect(changeOf([one, two, { ...three, merged: [9] }], runs(one), three)).toMatchObject({ unheard: 9 });
    expect(changeOf([one, three], runs(one), three)).toEqual({ numbers: [3], unheard: 'r2' });
    expect(changeOf([tip, branch], runs(one), tip)).toMatchObject({ unheard: 'r3' });
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

  it('cannot grow where what runs now holds what ran before', () => {
    expect(holds(all, runs(two), runs(one))).toBe(true);
    expect(holds(all, runs(tip), runs(two))).toBe(true);
    expect(holds(all, runs(one), runs(two))).toBe(false);
    expect(holds(all, runs(link(6, 2, 'other')), runs(three))).toBe(false);
    expect(holds(all, runs({ ...link(6, 3), revision: 'r1' }, [2, 3], 'refs/tags/v1'), runs(two))).toBe(false);
  });
});

describe('what runs', () => {
  const merge = { ...link(6, 3), merged: [5] };

  it('contains what was merged into it, by name or by what that was part of, and nothing else of another line', () => {
    const linked = [...all, merge, link(7, 5, 'fix')];
    const late = runs({ ...link(8, 4, 'v1'), revision: 'between' }, [5], 'refs/tags/v1');
    const contained = [branch, tip, link(7, 5, 'fix')].map((each) => grewFrom(linked, runs(merge), runs(each)));
    expect(contained).toEqual([true, true, false]);
    expect(grewFrom(linked, runs(merge), late)).toBe(true);
    expect(grewFrom(linked, runs(three), late)).toBe(false);
  });

  it('contains what was born late of an older commit of its own line, and says so by nothing else', () => {
    const late = runs({ ...link(7, null), revision: 'r2' }, [6], 'refs/tags/v1');
    expect(grewFrom([...all, merge, link(7, 1)], runs(three), late)).toBe(true);
    expect(grewFrom([...all, merge, link(7, 1)], runs(one), late)).toBe(false);
    expect(grewFrom([...all, merge, link(7, 6)], runs(merge), runs(link(7, 6)))).toBe(false);
  });

  it('leaves what is of its own line, and the same commit, to their numbers', () => {
    expect(grewFrom([...all, merge], runs(merge), runs(three))).toBe(false);
    expect(grewFrom([...all, merge], runs(merge), runs({ ...link(7, 6, 'live'), revision: 'r6' }))).toBe(false);
  });

  it('holds what ran before only where it does so on every line', () => {
    const linked = [...all, merge, link(7, 6), { ...link(8, 3), revision: 'rewritten' }];
    const held = (now: number, before: number) => {
      const [is, was] = [now, before].map((number) => linked.find((each) => each.number === number) as Link) as [Link, Link];
      return holds(linked, runs(is), runs(was));
    };
    expect(held(7, 6)).toBe(true);
    expect(held(8, 6)).toBe(false);
    expect(held(8, 3)).toBe(true);
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
