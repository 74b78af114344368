import { describe, expect, it } from 'vitest';
import { mergedWith } from './merged.js';

const release = (number: number, line = 'main', revision = `r${number}`) => ({ number, line, revision });
const commit = (revision: string, ...parents: string[]) => ({ revision, parents });
const main = { line: 'main', revision: 'new' };

describe('what comes into a line', () => {
  it('is nothing where it only moves on', () => {
    expect(mergedWith(main, [commit('new', 'between'), commit('between', 'r2')], release(2), [release(2), release(1)])).toEqual([]);
  });

  it('is the newest release of each branch that was merged, however far below', () => {
    const releases = [release(5, 'fix'), release(4, 'fix'), release(3, 'other'), release(2), release(1)];
    const commits = [
      commit('new', 'octopus', 'r3'),
      commit('octopus', 'r2', 'unreleased'),
      ...[commit('unreleased', 'r5'), commit('r5', 'r4'), commit('r4', 'r1'), commit('r3', 'r1')],
    ];
    expect(mergedWith(main, commits, release(2), releases).toSorted((one, other) => one - other)).toEqual([3, 5]);
  });

  it('is what a new branch grew from, and what was merged into that by then', () => {
    const releases = [release(3, 'fix'), release(2), release(1)];
    expect(mergedWith({ line: 'live', revision: 'new' }, [commit('new', 'r2', 'r3'), commit('r3', 'r1')], release(2), releases)).toEqual([
      2, 3,
    ]);
  });

  it('is the release of the very commit that a branch was moved on to, the first of several', () => {
    const releases = [release(4, 'main', 'r3'), release(3), release(2, 'live'), release(1)];
    expect(mergedWith({ line: 'live', revision: 'r3' }, [commit('r3', 'r2')], release(2, 'live'), releases)).toEqual([3]);
  });

  it('is what had been dropped from the line, where that comes back', () => {
    const releases = [release(3, 'main', 'rewritten'), release(2), release(1)];
    const commits = [commit('new', 'rewritten', 'r2'), commit('r2', 'r1')];
    expect(mergedWith(main, commits, release(3, 'main', 'rewritten'), releases)).toEqual([2]);
  });

  it('is looked for once at each commit, however often branches cross', () => {
    const commits = Array.from({ length: 60 }, (_, at) => [
      commit(`a${at}`, `a${at + 1}`, `b${at + 1}`),
      commit(`b${at}`, `b${at + 1}`, `a${at + 1}`),
    ]).flat();
    expect(mergedWith({ line: 'main', revision: 'a0' }, commits, undefined, [release(1, 'fix', 'b59')])).toEqual([1]);
  });
});
