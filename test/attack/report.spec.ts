import { describe, expect, it } from 'vitest';
import { type Ended, reportOf, withoutPlaces } from './report.ts';

const run = { at: '2026-11-23 18:00 UTC', commit: 'abc1234', seconds: 612, seed: 7, words: '--seed 7 --write' };
const held: Ended = { id: 'W06', input: 'a | b', expected: '<c>', provenBy: [], result: 'held', outcome: '200 twice', seconds: 1.23 };
const fine = { amiss: [], missing: [] };
const pageOf = (all: readonly Ended[]): string => reportOf(run, all, fine).markdown;

describe('the report of attacks', () => {
  it('says of which commit it is, with which seed, how long it took and how to do it again', () => {
    expect(pageOf([held])).toContain(
      'Written by `npm run attack -- --seed 7 --write` at 2026-11-23 18:00 UTC, of commit abc1234, with seed 7, in 10 min 12 s.',
    );
  });

  it('has a row for each case, in the order of the numbers, which nothing in it breaks', () => {
    const proven = { ...held, id: 'W04' as const, provenBy: [{ file: 'apps/a.spec.ts', test: 'is [so]' }] };
    const rows = pageOf([held, proven])
      .split('\n')
      .filter((line) => /^W\d\d/.test(line));
    expect(rows).toEqual([
      'W04 | a \\| b | &lt;c> | 200 twice<br>[is \\[so]](../../apps/a.spec.ts) | 1.2',
      'W06 | a \\| b | &lt;c> | 200 twice | 1.2',
    ]);
  });

  it('says nothing of the machine it was written on, and nothing to a terminal', () => {
    const text = '\u001b[31m×\u001b[39m /home/ann/slipway/test/a.ts: no /tmp/slipway-1/run.json, in /home/ann/slipway\u202e';
    expect(withoutPlaces(text, ['/home/ann/slipway', '/tmp'])).toBe('× test/a.ts: no …, in …');
  });

  it('names what was broken first, and apart what cannot be tried yet', () => {
    const page = pageOf([held, { ...held, id: 'K01', result: 'broken' }, { ...held, id: 'A66', result: 'not applicable yet' }]);
    expect(page).toContain('**1 cases held, 1 was broken**, 1 cannot be tried yet.');
    expect(page.match(/^## .*$/gm)).toEqual(['## Broken', '## W: Webhooks and API', '## Cannot be tried yet']);
  });

  it('has passed where every case was tried and held, and what was done outside of cases went well', () => {
    expect(reportOf(run, [held], fine)).toMatchObject({
      name: 'attacks',
      outcome: 'passed',
      json: { seed: 7, commit: 'abc1234', outcome: 'passed' },
    });
    expect(pageOf([held])).toMatch(/^# Attacks: passed\n/);
  });

  it.each<[string, readonly Ended[], typeof fine | { amiss: string[]; missing: string[] }, string, string]>([
    ['a case was broken', [{ ...held, result: 'broken' }], fine, 'not passed', '- **W06 was broken**'],
    ['a file could not begin', [held], { amiss: ['a.ts: no room'], missing: [] }, 'not passed', '- **a.ts: no room**'],
    [
      'a case was not tried',
      [held, { ...held, id: 'K01', result: 'not tried' }],
      fine,
      'incomplete',
      '- **Not looked at:** K01 was not tried',
    ],
    ['it was interrupted', [held], { amiss: [], missing: ['the rest'] }, 'incomplete', '- **Not looked at:** the rest'],
  ])('has not passed where %s, and says so before all else', (_, all, beside, outcome, why) => {
    const report = reportOf(run, all, beside);
    expect(report.outcome).toBe(outcome);
    expect(report.markdown.startsWith(`# Attacks: ${outcome}\n`)).toBe(true);
    expect(report.markdown).toContain(why);
  });

  it('of some cases never takes the place of that of all', () => {
    expect(reportOf({ ...run, words: '--only W --write' }, [held], fine).name).toBe('attacks-some');
  });
});
