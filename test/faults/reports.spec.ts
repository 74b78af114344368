import { services } from '@slipway/contracts';
import { aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type PromiseNumber, promises } from '../history/index.js';
import type { Kill } from './crash/sweep.ts';
import type { Hurt } from './hurt.ts';
import { readOptions } from './options.ts';
import { exitCodes } from './report.ts';
import { reportOfHurt } from './report-of-hurt.ts';
import { reportOfSweep } from './report-of-sweep.ts';
import type { Sitting } from './sweep-points.ts';

const gateMs = 15_000;
const finding = (promise: PromiseNumber) => ({
  promise,
  title: promises[promise],
  state: 'held' as const,
  counts: { releases: 3 },
  breaches: [],
});
const findings = (Object.keys(promises).map(Number) as PromiseNumber[]).map(finding);

/** A run in which all went well. */
const good: Hurt = {
  done: [
    { name: 'every gateway is killed', kind: 'service killed', at: 15, seconds: 0, hurt: 2 },
    { name: 'Kafka is killed and back after 3 s', kind: 'kafka killed', at: 21, seconds: 3, hurt: 7 },
  ],
  kinds: [{ name: 'service killed' }, { name: 'kafka killed' }],
  missing: [],
  releases: { born: 1 },
  ends: [{ release: aRelease({ number: 7 }), turn: 'good', end: 'live in production', wrong: [] }],
  recovered: services.map((service) => ({ service, progressMs: 4_000, hearingMs: 7_000, load: 1 })),
  underFaults: { service: undefined, replica: undefined },
  killed: 1,
  armed: 0,
  reached: [],
  load: { before: 0.1, median: 2, most: 3 },
  answers: { 'delivery 202': 3 },
  drainedMs: 12_000,
  verdict: { allHeld: true, findings },
  stories: [],
  historyFile: undefined,
};
const report = (more: Partial<Hurt>, minutes = '10') =>
  reportOfHurt(readOptions(['--seed', '3', '--minutes', minutes]), { ...good, ...more }, gateMs);

describe('the report of a fault run', () => {
  it('says what passed, what was done when, and how to do it again', async () => {
    const { outcome, markdown, name } = await report({});
    expect({ outcome, name }).toEqual({ outcome: 'passed', name: 'faults-seed-3-10-min' });
    expect(markdown).toContain('npm run faults -- --seed 3 --minutes 10');
    expect(markdown).toContain('| 21 s | 3 s | kafka killed | Kafka is killed and back after 3 s | 7 |');
    expect(markdown).toContain('| gateway | 1 | 4.0 s | 4.0 s | 7.0 s | 7.0 s | in time |');
    const slow = await report({ recovered: good.recovered.map((one) => ({ ...one, hearingMs: 9_000 })) });
    expect(slow.markdown).toContain('| gateway | 1 | 4.0 s | 4.0 s | 9.0 s | 9.0 s | in time, later than aimed at |');
    expect(markdown).toContain('| good | live in production | 1 | yes | shop/7 |');
  });

  it.each<[string, Partial<Hurt>, RegExp]>([
    ['something was left to do', { drainedMs: undefined }, /Something was left to do/],
    [
      'a fault had to complain',
      { done: [{ ...good.done[0], complaint: 'did not end' } as Hurt['done'][number]] },
      /every gateway is killed: did not end/,
    ],
    ['a service was late', { recovered: good.recovered.map((one) => ({ ...one, hearingMs: 15_001 })) }, /notifier took longer than 15 s/],
    [
      'a release came to an end it did not deserve',
      { ends: [{ ...good.ends[0], wrong: ['its build failed'] } as Hurt['ends'][number]] },
      /shop\/7: its build failed/,
    ],
    [
      'a promise was broken',
      {
        verdict: {
          allHeld: false,
          findings: findings.map((one) =>
            one.promise === 4 ? { ...one, state: 'broken' as const, breaches: [{ release: null, what: 'back', evidence: [] }] } : one,
          ),
        },
      },
      /Promise 4 was broken 1 times/,
    ],
  ])('does not pass where %s', async (_, more, why) => {
    const { outcome, markdown } = await report(more);
    expect(outcome).toBe('not passed');
    expect(markdown).toMatch(why);
  });

  it.each<[string, Partial<Hurt>, RegExp]>([
    ['was not in it', { kinds: [...good.kinds, { name: 'registry killed' }] }, /registry killed: not once in this plan/],
    ['met nothing', { done: good.done.map((one) => ({ ...one, hurt: 0 })) }, /service killed: done 1 times, and it met nothing/],
    [
      'cannot be said to have met anything',
      { done: good.done.map(({ hurt: _, ...one }) => one) },
      /kafka killed: done 1 times, and it met nothing/,
    ],
  ])('is incomplete where a kind of fault %s in half an hour, and a shorter one tells of it', async (_, more, why) => {
    const long = await report(more, '30');
    expect(long.outcome).toBe('incomplete');
    expect(long.markdown).toMatch(new RegExp(`Not looked at:.*${why.source}`));
    const short = await report(more);
    expect(short.outcome).toBe('passed');
    expect(short.markdown).toMatch(new RegExp(`Not met in a run of less than 30 minutes:.*${why.source}`));
  });

  it('of some kinds only never takes the place of that of all', async () => {
    const options = readOptions(['--seed', '3', '--minutes', '10', '--only', 'kafka']);
    expect((await reportOfHurt(options, good, gateMs)).name).toBe('faults-seed-3-10-min-some');
  });

  it('tells of a seldom kind that was not in it', async () => {
    const { outcome, markdown } = await report({ kinds: [...good.kinds, { name: 'registry tag overwritten', weight: 0.5 }] }, '30');
    expect(outcome).toBe('passed');
    expect(markdown).toContain('Not in this plan, as they are seldom: registry tag overwritten.');
  });

  it.each<[string, Partial<Hurt>, RegExp]>([
    [
      'a fault cannot be had',
      { missing: ['clock of a service jumps: faketime is not installed'] },
      /Not looked at:\*\* clock of a service jumps: faketime/,
    ],
    ['no recovery was measured', { recovered: [] }, /Not looked at:\*\* how fast gateway gets on/],
    ['nobody came to an armed point', { armed: 2, reached: [] }, /crash points: of 2 times some were armed nobody came to any/],
    [
      'a promise was held against nothing',
      {
        verdict: {
          allHeld: false,
          findings: findings.map((one) => ({ ...one, state: 'not examined' as const, unexamined: 'there were no releases' })),
        },
      },
      /promise 1, .*: there were no releases/,
    ],
  ])('is incomplete where %s', async (_, more, why) => {
    const { outcome, markdown } = await report(more);
    expect(outcome).toBe('incomplete');
    expect(markdown).toMatch(why);
  });
});

describe('the report of a sweep', () => {
  const [one, two] = ['approval · on commit.detected · before commit', 'gateway · run ledger · claimed'] as const;
  const arrived = (point: string): Kill => ({ point, story: 'a release goes live', end: 'arrived', progressMs: 3_000 });
  const sitting = (kills: Kill[], more: Partial<Sitting> = {}): Sitting => ({ ...about, kills, ...more });
  const about = { commit: 'abc', at: 'today', drainedMs: 4_000, verdict: good.verdict };
  const sat = (sittings: Sitting[], words = ['--points', '2'], unreached: string[] = []) =>
    reportOfSweep(readOptions(words), { wanted: [one, two], unreached, sittings, gateMs });
  const swept = (kills: Kill[], words?: string[], unreached?: string[]) => sat([sitting(kills)], words, unreached);

  it('passes where every point was reached and every release arrived', async () => {
    expect(await swept([arrived(one), arrived(two)])).toMatchObject({
      outcome: 'passed',
      name: expect.stringMatching(/^crash-points-\d-of-each-some$/),
    });
    expect((await swept([arrived(one), arrived(two)], ['--points', 'all'])).name).toMatch(/^crash-points-\d-of-each$/);
  });

  it.each<[string, Kill[]]>([
    ['not tried', [arrived(one)]],
    ['not reached', [arrived(one), { ...arrived(two), end: 'not reached', progressMs: undefined }]],
    ['reached, and its recovery not measured', [arrived(one), { ...arrived(two), progressMs: undefined }]],
  ])('is incomplete where a point was %s', async (_, kills) => {
    expect((await swept(kills)).outcome).toBe('incomplete');
  });

  it('is incomplete for all points while no story comes to some place of the code', async () => {
    const { outcome, markdown } = await swept([arrived(one), arrived(two)], ['--points', 'all'], ['gateway · on part.away']);
    expect(outcome).toBe('incomplete');
    expect(markdown).toContain('1 places of the code that no story comes to: gateway · on part.away');
  });

  it('does not pass where a release was lost, but tells of one that is not any more', async () => {
    const lost: Kill = { ...arrived(two), end: 'lost', why: 'nothing came' };
    expect((await swept([arrived(one), lost])).outcome).toBe('not passed');
    const mended = await sat([sitting([arrived(one), lost]), sitting([arrived(two)])]);
    expect(mended.outcome).toBe('passed');
    expect(mended.markdown).toContain(`Lost at commit abc, and not any more: ${two}`);
  });
});

describe('a sitting of a sweep', () => {
  const point = 'approval · on commit.detected · before commit';
  const kill: Kill = { point, story: 'a release goes live', end: 'arrived', progressMs: 3_000 };
  const usual: Sitting = { commit: 'abc', at: 'today', kills: [kill], drainedMs: 4_000, verdict: good.verdict };
  const broke = { ...finding(9), state: 'broken' as const, breaches: [{ release: null, what: 'late', evidence: [] }] };
  const unread = { ...finding(4), state: 'not examined' as const, unexamined: 'there were no effects' };

  it.each<[string, Partial<Sitting>, string, RegExp]>([
    ['a promise was broken', { verdict: { allHeld: false, findings: [broke] } }, 'not passed', /Promise 9 was broken 1 times/],
    ['something was left to do', { drainedMs: undefined }, 'not passed', /Something was left to do/],
    [
      'a promise was not examined',
      { verdict: { allHeld: false, findings: [unread] } },
      'incomplete',
      /promise 4, .*: there were no effects/,
    ],
  ])('in which %s counts, whatever the next one came to', async (_, more, outcome, why) => {
    const sittings = [{ ...usual, ...more }, usual];
    const report = await reportOfSweep(readOptions(['--points', '1']), { wanted: [point], unreached: [], sittings, gateMs });
    expect(report.outcome).toBe(outcome);
    expect(report.markdown).toMatch(why);
  });
});

it('ends with another code for each outcome', () => {
  expect(exitCodes).toEqual({ passed: 0, 'not passed': 1, incomplete: 3 });
});
