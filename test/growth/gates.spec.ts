import { services } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { type Growth, gatesOf, leftOut } from './gates.ts';
import type { Held } from './memory.ts';
import type { Hop } from './records.ts';
import type { SizeRun } from './run-size.ts';
import type { Storm } from './storm.ts';

const empty = { statements: [], tables: [], hops: [], curve: [], cpu: {}, left: {}, restarts: {} };
const nothing = { ...empty, robot: { list: [], sign: [], failed: [] } };
function run(releases: number, wallMs: number, memory: Record<string, Held>): SizeRun {
  return { ...nothing, releases, projects: 1, wallMs, sinceToldMs: wallMs, ended: 0, commits: 0, memory };
}
const about = { at: '', commit: '', seed: 1, machine: [], loadBefore: '', loadAfter: '', busyBefore: 0, baselines: [] };
function missedBy(growth: Pick<Growth, 'runs' | 'storm'>): string[] {
  return gatesOf({ ...about, ...growth })
    .filter(({ kept }) => kept === false)
    .map(({ name, value }) => (value === '' ? name : `${name}: ${value}`));
}
const missed = (...runs: SizeRun[]) => missedBy({ runs }).map((each) => each.replace(/: [^:]*$/, ''));

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

  it('is missed by a service that ended by itself, and by what is left undone', () => {
    expect(missedBy({ runs: [{ ...run(100, 10_000, {}), restarts: { gateway: 1 }, left: { 'approval: parked': 2 } }] })).toEqual([
      '100 releases, services that ended by themselves: gateway',
      '100 releases, left undone a minute later: approval: parked',
    ]);
  });

  it('says which hops were held against nothing: there were too few of them, or none', () => {
    const hop = (event: string, count: number): Hop => ({ event, from: 'approval', to: 'gateway', count, p50: 1, p99: 1 });
    expect(leftOut([hop('often', 20), hop('seldom', 19)], [hop('often', 200), hop('seldom', 200), hop('new', 5)])).toEqual([
      'seldom: approval → gateway',
      'new: approval → gateway',
    ]);
  });
});

describe('what a size is held against', () => {
  it('is missed by a promise that was broken, at the target or elsewhere', () => {
    const found = { promise: 10, title: '', counts: {}, breaches: [], state: 'broken' } as const;
    const judged = { target: { changes: 1, breaches: ['promise 3: twice'] }, findings: [found] };
    expect(missedBy({ runs: [{ ...run(100, 10_000, {}), judged }] })).toEqual([
      'promises broken at the target after 100 releases: 1',
      'other promises not held after 100 releases, by test/history: 10 (broken)',
    ]);
  });

  it('is neither kept nor missed by promises of which too much happened to look at', () => {
    const judged = { target: { changes: 1, breaches: [] }, findings: [] };
    const gates = gatesOf({ ...about, runs: [{ ...run(10_000, 10_000, {}), judged }] });
    expect(gates.find(({ name }) => name.startsWith('other promises'))).toMatchObject({ kept: undefined });
  });
});

describe('what the figures of a storm are held against', () => {
  const findings = [1, 2, 6].map(
    (promise) => ({ promise, title: '', counts: {}, breaches: [], state: 'held' }) as Storm['findings'][number],
  );
  const storm: Storm = {
    ...{ seed: 1, calm: run(1000, 100_000, {}), stormy: run(1000, 150_000, {}), share: 0.66 },
    blows: [...services, 'the broker' as const].map((what) => ({ s: 1, what })),
    ...{ target: { changes: 2000, breaches: [] }, findings },
  };
  const without = (change: Partial<Storm>) => missedBy({ runs: [], storm: { ...storm, ...change } });
  const unheld = (promise: number, state: 'broken' | 'not examined') =>
    without({ findings: findings.map((each) => (each.promise === promise ? { ...each, state } : each)) });

  it('is kept by one that hurt everything once and broke nothing, though nobody saw what Docker made', () => {
    expect(without({})).toEqual([]);
    expect(unheld(2, 'not examined')).toEqual([]);
  });

  it('is missed by one that was too short or too slow', () => {
    expect(without({ blows: storm.blows.slice(1, -1), share: 0.49 })).toEqual([
      `not hurt in the storm: ${services[0]}, the broker`,
      'throughput in the storm: 49 %',
    ]);
  });

  it('is missed by a promise that was broken, or not examined', () => {
    expect(unheld(2, 'broken')).toEqual(['other promises not held in the storm, by test/history: 2 (broken)']);
    expect(unheld(6, 'not examined')).toEqual(['other promises not held in the storm, by test/history: 6 (not examined)']);
  });
});
