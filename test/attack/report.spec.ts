import { describe, expect, it } from 'vitest';
import { type Ended, pageOf, withoutPlaces } from './report.ts';

const run = { at: '2026-11-23 18:00 UTC', commit: 'abc1234', seconds: 612, seed: 7, words: '--seed 7 --write' };
const held: Ended = { id: 'W06', input: 'a | b', expected: '<c>', provenBy: [], result: 'held', outcome: '200 twice', seconds: 1.23 };

describe('the report of attacks', () => {
  it('says of which commit it is, with which seed, how long it took and how to do it again', () => {
    expect(pageOf(run, [held])).toContain(
      'Written by `npm run attack -- --seed 7 --write` at 2026-11-23 18:00 UTC, of commit abc1234, with seed 7, in 10 min 12 s.',
    );
  });

  it('has a row for each case, in the order of the numbers, which nothing in it breaks', () => {
    const proven = { ...held, id: 'W04' as const, provenBy: [{ file: 'apps/a.spec.ts', test: 'is [so]' }] };
    const rows = pageOf(run, [held, proven])
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
    const page = pageOf(run, [held, { ...held, id: 'K01', result: 'broken' }, { ...held, id: 'A66', result: 'not applicable yet' }]);
    expect(page).toContain('**1 cases held, 1 was broken**, 1 cannot be tried yet.');
    expect(page.match(/^## .*$/gm)).toEqual(['## Broken', '## W: Webhooks and API', '## Cannot be tried yet']);
  });
});
