import { aKeyRing, type TestKeyRing } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aGoodHistory } from './a-good-history.js';
import type { DockerGap, History } from './history.js';
import { judge, verdictText } from './judge.js';
import { rows } from './ways-of-breaking.js';

let keys: TestKeyRing;
let good: History;

beforeAll(async () => {
  keys = await aKeyRing();
  good = await aGoodHistory(keys);
});
afterAll(() => keys.drop());

const docker = (change: (docker: History['docker']) => Partial<History['docker']>) => (history: History) => ({
  ...history,
  docker: { ...history.docker, ...change(history.docker) },
});
const gap = (more: Partial<DockerGap>) =>
  docker(({ events }) => ({ gaps: [{ from: events[0]?.at ?? 0, to: (events[0]?.at ?? 0) + 10_000, why: 'it was away', ...more }] }));
const withoutTables = (service: string) => (history: History) => ({
  ...history,
  tables: history.tables.filter((table) => table.service !== service),
});

/** What was not there to be looked at, and the promises that must not be called held for it. Whatever else is broken by it is no concern here. */
const without: readonly [what: string, change: (history: History) => History, promises: readonly number[]][] = [
  ['Docker', docker(() => ({ events: [], containers: [], inspections: [] })), [2, 3, 4, 5, 7, 9]],
  ['what Docker tells', docker(() => ({ events: [] })), [2, 3, 4, 5, 9]],
  ['looks at containers', docker(() => ({ containers: [] })), [2]],
  [
    'what of their host containers were given',
    docker(({ containers }) => ({ containers: containers.map(({ host: _, ...each }) => each) })),
    [2],
  ],
  ['Docker for ten seconds', gap({}), [2, 3, 4, 5, 9]],
  ['inspections of Docker', docker(() => ({ inspections: [] })), [7]],
  ['the registry', (history) => ({ ...history, registry: { repositories: [], manifests: [] } }), [5, 7]],
  ['the repositories', (history) => ({ ...history, repositories: [] }), [4, 11]],
  ['what clients saw', (history) => ({ ...history, seen: [] }), [1, 7]],
  [
    'the answers clients were given',
    (history) => ({ ...history, seen: history.seen.map((seen) => ('answer' in seen ? { ...seen, answer: '' } : seen)) }),
    [1],
  ],
  ['the logs', (history) => ({ ...history, texts: history.texts.filter(({ is }) => is !== 'log') }), [7]],
  ['the blobs of images', (history) => ({ ...history, texts: history.texts.filter(({ is }) => is !== 'layer') }), [7]],
  ['the pages', (history) => ({ ...history, texts: history.texts.filter(({ is }) => is !== 'page') }), [7]],
  ['the lists of processes', (history) => ({ ...history, texts: history.texts.filter(({ is }) => is !== 'process') }), [7]],
  ['a canary', (history) => ({ ...history, about: { ...history.about, canaries: [] } }), [7]],
  ['the places of consumers', (history) => ({ ...history, places: [] }), [6]],
  [
    'any place a consumer has committed or kept',
    (history) => rowsOfAll({ ...history, places: history.places.map((place) => ({ ...place, committed: -1 })) }, 'stored_offset'),
    [6],
  ],
  ['the tables of approval', withoutTables('approval'), [6, 8]],
  ['the tables of the gateway', withoutTables('gateway'), [6, 8, 10]],
  ['the operations', (history) => rowsOfAll(history, 'operation'), [6, 9]],
  ['the records', (history) => ({ ...history, records: [] }), [1, 2, 3, 4, 5, 8, 11]],
  [
    'the minute in which what is left may be done',
    (history) => {
      const soon = { ...history, about: { ...history.about, faultsEnded: history.about.until } };
      return rows(soon, 'approval', 'handoff', () => [{ event_id: 'e', service: 'gateway' }]);
    },
    [6],
  ],
  ['the end of a partition', (history) => ({ ...history, about: { ...history.about, gaps: ['approvals[0] was read to 3 of 9'] } }), [10]],
];

function rowsOfAll(history: History, name: string): History {
  return history.tables.filter((table) => table.name === name).reduce((left, { service }) => rows(left, service, name, () => []), history);
}

describe('a promise that was not examined', () => {
  it.each(without)('is not held: without %s', (_, change, promises) => {
    const verdict = judge(change(good));
    const held = verdict.findings.filter(({ promise, state }) => promises.includes(promise) && state === 'held');
    expect(
      held.map(({ promise }) => promise),
      verdictText(verdict),
    ).toEqual([]);
    const unsaid = verdict.findings.filter(({ promise, unexamined }) => promises.includes(promise) && unexamined === undefined);
    expect(
      unsaid.map(({ promise }) => promise),
      verdictText(verdict),
    ).toEqual([]);
    expect(verdict.allHeld).toBe(false);
  });
});

describe('an Engine that was away', () => {
  it('did nothing: only the moment in which it was there and not heard counts', () => {
    const from = good.docker.events[0]?.at ?? 0;
    expect(judge(gap({ awayFrom: from + 500 })(good)).allHeld).toBe(true);
    expect(judge(gap({ awayFrom: from + 5000 })(good)).findings.find(({ promise }) => promise === 2)?.unexamined).toMatch(/for 5\.0 s/);
  });
});
