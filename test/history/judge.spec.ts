import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageRemoved } from '@slipway/contracts';
import { aKeyRing, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGoodHistory } from './a-good-history.js';
import { explain, storiesOf } from './explain.js';
import type { History, Row, TopicRecord } from './history.js';
import { readHistory, writeHistory } from './history-file.js';
import { judge, verdictText } from './judge.js';
import { LoadLog } from './load-log.js';
import { story } from './story.js';
import { imageOf } from './teller.js';
import { rows } from './ways-of-breaking.js';

let keys: TestKeyRing;
let good: History;
/** The same, and the image of release 2 was removed. */
let forgotten: History;

beforeAll(async () => {
  keys = await aKeyRing();
  good = await aGoodHistory(keys);
  forgotten = await aGoodHistory(keys, {
    more: ({ two: { id, number }, line }, scribe) => {
      const data = { project: 'shop', image: imageOf(2), releases: [{ id, number }], refused: null };
      scribe.say({
        key: 'image.removed 2',
        writer: 'image-builder',
        event: ImageRemoved,
        subject: 'shop',
        data,
        at: line('image.built 2').at + 100,
      });
    },
  });
});
afterAll(() => keys.drop());

describe('a good history', () => {
  it('holds on all eleven promises, each held against something', () => {
    const verdict = judge(good);
    expect(verdict.allHeld, verdictText(verdict)).toBe(true);
    for (const { counts, promise } of verdict.findings) expect(Math.max(...Object.values(counts)), `promise ${promise}`).toBeGreaterThan(0);
  });

  it('holds where an image is gone that nobody needed any longer, as was said', () => {
    const without = (history: History) => {
      const manifests = history.registry.manifests.filter(({ digest }) => digest !== imageOf(2).digest);
      return judge({ ...history, registry: { ...history.registry, manifests } }).findings.find(({ promise }) => promise === 5);
    };
    expect(without(good)?.breaches).toMatchObject([{ what: expect.stringContaining('the registry does not have') }]);
    expect(without(forgotten)).toMatchObject({ state: 'held', breaches: [] });
    const story = judge(forgotten).findings.find(({ promise }) => promise === 10);
    expect(story).toMatchObject({ state: 'held', breaches: [] });
  });

  it('is the same after it was written to a file and read back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-history-'));
    const file = join(folder, 'history.jsonl.gz');
    await writeHistory(good, file);
    expect(await readHistory(file)).toEqual(good);
    await rm(folder, { recursive: true });
  });
});

describe('a forger’s records', () => {
  it('change nothing: who proves no writer says nothing', () => {
    const real = (name: string) => good.records.find(({ headers }) => headers['ce_type']?.includes(name)) as TopicRecord;
    const { ce_signature: _, ...unsigned } = real('sign-off.posted').headers;
    const other = Buffer.from(JSON.stringify({ request: 'mine' }));
    const forged = [
      { ...real('approval.granted'), value: Buffer.from(String(real('approval.granted').value).replaceAll('production', 'elsewhere')) },
      { ...real('sign-off.posted'), headers: unsigned, value: other },
      { ...real('rollout.started'), topic: 'commits' },
      { ...real('image.built'), headers: {}, value: null },
    ].map((record, at) => ({ ...record, offset: 10_000 + at }));
    const verdict = judge({ ...good, records: [...good.records, ...forged] });
    expect(verdict.allHeld, verdictText(verdict)).toBe(true);
    expect(verdict.findings.find(({ promise }) => promise === 10)?.counts['records that prove no writer']).toBe(3);
  });
});

describe('a topic that was lost', () => {
  const isOf = ({ headers }: TopicRecord, name: string) => headers['ce_type']?.includes(`.${name}.`) === true;

  it('had what is in the tables of who heard it', () => {
    const values = new Map(good.records.map(({ headers, value }) => [headers['ce_id'], value?.toString('base64')]));
    const kept = (row: Row) => ({ ...row, value_base64: values.get(String(row['event_id'])), received_at: good.about.faultsEnded });
    const lost = rows(good, 'gateway', 'journal', (all) => all.map((row) => (row['name'] === 'sign-off.posted' ? kept(row) : row)));
    const verdict = judge({ ...lost, records: good.records.filter((record) => !isOf(record, 'sign-off.posted')) });
    expect(verdict.allHeld, verdictText(verdict)).toBe(true);
  });

  it('begins anew with what was said before in whatever order, and only with that', () => {
    const [first, later] = [good.records.filter(({ topic }) => topic === 'rollouts'), good.about.topicsAt ?? ''];
    const values = new Map(first.map(({ headers, value }) => [headers['ce_id'], value?.toString('base64')]));
    const kept = (row: Row) => ({ ...row, value_base64: values.get(String(row['event_id'])), received_at: good.about.faultsEnded });
    const lost = rows(good, 'gateway', 'journal', (all) => all.map((row) => (values.has(String(row['event_id'])) ? kept(row) : row)));
    // Everything but the very first is there again, the other way round.
    const again = (at: number) => first.slice(1).map((record, nth) => ({ ...record, offset: 1000 - nth, at }));
    const others = good.records.filter(({ topic }) => topic !== 'rollouts');
    const verdictOf = (at: number) => judge({ ...lost, records: [...others, ...again(at)] });
    expect(verdictOf(Date.parse(later)).allHeld, verdictText(verdictOf(Date.parse(later)))).toBe(true);
    expect(verdictOf(first[0]?.at ?? 0).findings.filter(({ state }) => state === 'broken')).toMatchObject([{ promise: 10 }]);
  });
});

describe('a history of nothing', () => {
  it('holds no promise: nothing was examined', () => {
    const empty = { ...good, records: [], places: [], tables: [], seen: [], repositories: [], texts: [] };
    const nothing = {
      ...empty,
      docker: { events: [], gaps: [], containers: [], inspections: [] },
      registry: { repositories: [], manifests: [] },
    };
    expect(judge(nothing).findings.map(({ state }) => state)).toEqual(Array.from({ length: 11 }, () => 'not examined'));
  });
});

describe('a story', () => {
  it('tells a release in order of time: what was said, what Docker did, who signed, what a client saw, what is left', () => {
    const told = story(good, 'shop/1');
    const order = [
      'a client',
      'commit.detected #1',
      'image.built',
      'create slipway.default.shop.test.1',
      'approval.granted',
      'create slipway.default.shop.production.1',
      'command.issued',
      'rollout.rolled-back',
    ];
    const places = order.map((word) => told.indexOf(word));
    expect(
      places.every((place) => place > 0),
      told,
    ).toBe(true);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(told).toContain('production-rollout.rollout: environment production, state succeeded');
    expect(told).not.toContain('release 2');
  });

  it('says so of a release nobody knows', () => {
    expect(story(good, 'shop/7')).toMatch(/^Nothing is known of release shop\/7/);
  });
});

describe('what is amiss', () => {
  const unread = () => ({ ...good, repositories: [] });

  it('is every breach, and every promise that was not examined but for those the run cannot show', async () => {
    expect((await explain(good)).amiss).toEqual([]);
    expect((await explain(unread(), { unexamined: [4, 11] })).amiss).toEqual([]);
    const { amiss, words } = await explain(unread(), { unexamined: [4] });
    expect(amiss).toEqual([expect.stringMatching(/^11 was not examined: there were no changes read from a repository/)]);
    await rm(/the history: (\S+)$/.exec(words)?.[1] ?? '');
  });

  it('is told with the story of each release it happened to, or that the records tell of, and keeps the history', async () => {
    const lost = { ...good, registry: { ...good.registry, manifests: good.registry.manifests.slice(0, 1) } };
    const { words } = await explain(lost);
    expect(words).toContain('Release shop/2 (');
    expect(words).not.toContain('Release shop/1 (');
    const file = /the history: (\S+)$/.exec(words)?.[1] ?? '';
    expect(await readHistory(file)).toEqual(lost);
    await rm(file);
    const chain = {
      release: null,
      what: 'chain shop: its head is not signed by approval',
      evidence: [`${good.records.at(-1)?.headers['ce_id']}`],
    };
    const shown = good.records.find(({ headers }) => headers['ce_type']?.includes('image.built'))?.headers['ce_id'];
    expect(storiesOf(good, [chain, { ...chain, evidence: [`image.built #3 of image-builder (builds[0]@1, ${shown})`] }])).toEqual([
      expect.stringMatching(/^Release shop\/1 /),
    ]);
  });

  it('tells of a command what the client was answered', () => {
    expect(story(good, 'shop/1')).toMatch(/a client +command answered 200/);
  });
});

describe('a load log', () => {
  it('keeps what was seen, with when it was asked', () => {
    const log = new LoadLog();
    log.pushed({ project: 'shop', ref: 'refs/heads/main', revision: 'r1' });
    log.delivered({ project: 'shop', delivery: 'd', ref: null, revision: null, status: 0, asked: '2026-11-23T05:00:00.000Z' });
    expect(log.seen).toMatchObject([
      { kind: 'push', revision: 'r1' },
      { kind: 'delivery', status: 0, asked: '2026-11-23T05:00:00.000Z' },
    ]);
  });
});
