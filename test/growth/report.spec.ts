import { services } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import type { Growth } from './gates.ts';
import { reportOf } from './report.ts';
import type { SizeRun } from './run-size.ts';

const empty = { statements: [], tables: [], hops: [], curve: [], cpu: {}, left: {}, restarts: {}, memory: {} };
const run: SizeRun = {
  ...{ ...empty, robot: { list: [], sign: [], failed: [] } },
  ...{ releases: 200, projects: 1, wallMs: 1000, sinceToldMs: 1000, ended: 0, commits: 0 },
};
const seen: Growth = {
  ...{ at: '2026-11-23 18:00 UTC', commit: 'abc1234', seed: 7, machine: ['a machine'] },
  ...{ loadBefore: '0', loadAfter: '1', busyBefore: 0, baselines: [], runs: [] },
};
const storm = {
  ...{ seed: 7, calm: run, stormy: run, share: 0.7, target: { changes: 2000, breaches: [] }, findings: [] },
  blows: [...services, 'the broker' as const].map((what) => ({ s: 1, what })),
};

describe('the report of growth', () => {
  it('says what it came to, of which commit it is, with which seed, and how to do it again', () => {
    const { name, outcome, json, markdown } = reportOf({ ...seen, runs: [run], storm });
    expect({ name, outcome }).toEqual({ name: 'growth', outcome: 'passed' });
    expect(json).toMatchObject({ outcome: 'passed', commit: 'abc1234', seed: 7, amiss: [], missing: [] });
    expect(markdown).toMatch(/^# Growth and Storm: passed\n/);
    expect(markdown).toContain('Of commit abc1234, with seed 7.');
    expect(markdown).toContain('`npm run growth -- --releases 200 --storm --storm-releases 200 --seed 7`');
  });

  it('has not passed where a gate was missed, and says which before all else', () => {
    const { outcome, markdown } = reportOf({ ...seen, storm: { ...storm, share: 0.49 } });
    expect(outcome).toBe('not passed');
    expect(markdown).toMatch(/^# Storm: not passed\n[^#]*- \*\*throughput in the storm: 49 %, gate at least 50 % \(aim 80 %\)\*\*/);
  });

  it('of a storm alone never takes the place of that of the sizes', () => {
    expect(reportOf({ ...seen, storm }).name).toBe('storm');
  });
});
