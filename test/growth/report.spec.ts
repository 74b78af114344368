import { describe, expect, it } from 'vitest';
import type { Held } from './memory.ts';
import { type Growth, gatesOf } from './report.ts';
import type { SizeRun } from './run-size.ts';

const nothing = { statements: [], tables: [], hops: [], curve: [], cpu: {}, left: {}, robot: { list: [], sign: [], failed: [] } };
function run(releases: number, wallMs: number, memory: Record<string, Held>): SizeRun {
  return { ...nothing, releases, projects: 1, wallMs, sinceToldMs: wallMs, ended: 0, commits: 0, memory };
}
function missed(...runs: SizeRun[]): string[] {
  const growth: Growth = { at: '', machine: [], loadBefore: '', loadAfter: '', busyBefore: 0, baselines: [], runs };
  return gatesOf(growth)
    .filter(({ kept }) => !kept)
    .map(({ name }) => name);
}

describe('what the figures of growth are held against', () => {
  it('is kept by a time that grows with the size, and memory that does not', () => {
    const memory = { gateway: { live: 50, whole: 90 } };
    expect(missed(run(100, 10_000, memory), run(1000, 100_000, memory))).toEqual([]);
  });

  it('is missed by a service of which more can still be reached, or that gives less back', () => {
    const before = run(1000, 100_000, { gateway: { live: 50, whole: 90 }, notifier: { live: 45, whole: 75 } });
    const after = run(10_000, 1_000_000, { gateway: { live: 61, whole: 99 }, notifier: { live: 45, whole: 86 } });
    expect(missed(before, after)).toEqual([
      'live memory of gateway after 10000 more releases, over after 1000',
      'memory of notifier after 10000 more releases, over after 1000',
    ]);
  });

  it('is missed by a time that grows faster than the size, and by releases that end elsewhere than in production', () => {
    expect(missed(run(100, 10_000, {}), { ...run(1000, 200_000, {}), ended: 1 })).toEqual([
      'log-log slope of wall clock over releases',
      '1000 releases, ended otherwise than in production',
    ]);
  });

  it('has no slope where a size is taken again', () => {
    expect(missed(run(100, 10_000, {}), run(100, 90_000, {}))).toEqual([]);
  });
});
