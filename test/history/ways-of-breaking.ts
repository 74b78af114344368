import { aKeyRing, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGoodHistory } from './a-good-history.ts';
import type { Made } from './docker-of.ts';
import type { History, Row } from './history.ts';
import { judge, verdictText } from './judge.ts';
import type { Scribe } from './scribe.ts';
import type { Good, Twist } from './teller.ts';

/** One way of breaking a promise on purpose. */
export interface Way {
  readonly how: string;
  readonly twist?: Twist;
  /** What is done to the history once it is written. */
  readonly after?: (history: History, good: Good) => History;
  /** Promises that are broken with it. */
  readonly also?: readonly number[];
  /** The release it happens to; none where it happens to no release. */
  readonly release?: 'one' | 'two' | 'three';
  readonly says: RegExp;
}

/** A test for each way of breaking each promise. */
export function eachIsFound(ways: Readonly<Record<number, readonly Way[]>>): void {
  let keys: TestKeyRing;
  beforeAll(async () => {
    keys = await aKeyRing();
  });
  afterAll(() => keys.drop());
  for (const [promise, of] of Object.entries(ways)) {
    describe(`promise ${promise} is found broken`, () => {
      it.each(of.map((way) => ({ ...way })))('where $how', async (way) => {
        await expectBroken(keys, Number(promise), way);
      });
    });
  }
}

/** The good history with nothing done to it is made once for all ways that change it afterwards. */
let untouched: Promise<{ history: History; good: Good }> | undefined;

/** Breaks it, and sees that exactly this promise is found broken, with the release and the words. */
async function expectBroken(
  keys: TestKeyRing,
  promise: number,
  { twist, after = (history) => history, also = [], release, says }: Way,
): Promise<void> {
  untouched ??= make(keys, {});
  const { history, good } = await (twist ? make(keys, twist) : untouched);
  const verdict = judge(after(history, good));
  const broken = verdict.findings.filter(({ state }) => state === 'broken');
  expect(
    broken.map((each) => each.promise),
    verdictText(verdict),
  ).toEqual([promise, ...also].toSorted((one, other) => one - other));
  const breaches = broken.find((each) => each.promise === promise)?.breaches;
  const found = breaches?.find((breach) => says.test(breach.what) && (!release || breach.release === good[release].id));
  expect(found, verdictText(verdict)).toBeDefined();
}

async function make(keys: TestKeyRing, twist: Twist): Promise<{ history: History; good: Good }> {
  const told: { good?: Good } = {};
  const more: Twist['more'] = async (good, scribe) => {
    told.good = good;
    await twist.more?.(good, scribe);
  };
  const history = await aGoodHistory(keys, { ...twist, more });
  return { history, good: told.good as Good };
}

/** Says a line more: as another one, with these changes. */
export function beside(good: Good, scribe: Scribe, key: string, line: Partial<Parameters<Scribe['say']>[0]>): void {
  const { id: _, ...there } = good.line(key);
  scribe.say({ ...there, key: `beside ${key}`, ...line });
}

/** The history with other rows in one table. */
export function rows(history: History, service: string, name: string, change: (rows: readonly Row[]) => readonly Row[]): History {
  const tables = history.tables.map((table) =>
    table.service === service && table.name === name ? { ...table, rows: change(table.rows) } : table,
  );
  return { ...history, tables };
}

/** What Docker is asked to make, one of them otherwise. */
export function otherwise(made: readonly Made[], key: string, how: Partial<Made>): Made[] {
  return made.map((each) => (each.key === key ? { ...each, ...how } : each));
}

/** The one of this key. */
export function madeAs(made: readonly Made[], key: string): Made {
  return made.find((each) => each.key === key) as Made;
}

/** Neither a topic nor a table knows of an event any more. */
export function without(history: History, event: string): History {
  const left = { ...history, records: history.records.filter(({ headers }) => headers['ce_id'] !== event) };
  return { ...left, tables: left.tables.map((table) => ({ ...table, rows: table.rows.filter((row) => row['event_id'] !== event) })) };
}

/** Its writer kept that it was published, and nothing else has it. */
export function onNoTopic(history: History, event: string): History {
  const record = history.records.find(({ headers }) => headers['ce_id'] === event);
  const outbox = history.tables.flatMap(({ name, rows: all }) => (name === 'outbox' ? all : [])).find((row) => row['event_id'] === event);
  const kept = { ...outbox, headers: record?.headers, value_base64: record?.value?.toString('base64') };
  return rows(without(history, event), String(record?.headers['ce_source']), 'outbox', (all) => [...all, kept]);
}
