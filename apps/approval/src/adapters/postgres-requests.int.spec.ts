import type { Release } from '@slipway/contracts';
import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { aDatabase, anId, eventually, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aRequest } from '../domain/approval-request.example.js';
import { migrations } from '../migrations/index.js';
import { sealedTables } from '../sealed-tables.js';
import { PostgresRequests } from './postgres-requests.js';

const requests = new PostgresRequests(new RowSeals(serviceKeyOf(newServiceKeyFile('approval', new Date())), sealedTables));
let own: TestDatabase;
let database: Database;
/** Looks on while transactions wait. */
let beside: Database;

beforeAll(async () => {
  own = await aDatabase();
  const connect = () => Database.connect({ url: own.url, schema: 'slipway_approval', applicationName: 'requests' });
  [database, beside] = [await connect(), await connect()];
  await database.migrate(migrations, 'approval');
});
afterAll(async () => {
  await Promise.all([database.close(), beside.close()]);
  await own.drop();
});

describe('requests of one line', () => {
  it('are older and newer by what contains what: a tag that was set late on older code takes the place of nothing', async () => {
    const asked = (number: number, change: Partial<Release> = {}) => {
      const request = aRequest({ id: anId(), environment: 'tagged' });
      return { ...request, release: { ...request.release, id: anId(), number, ...change } };
    };
    const [first, second] = [asked(1), asked(2)];
    const tag = asked(3, { kind: 'tag', ref: 'refs/tags/v1', ancestorOf: [1, 2] });
    await database.transaction(async (tx) => {
      for (const request of [first, second, tag]) await requests.insert(tx, request);
      const older = async (request: typeof tag) => (await requests.olderThan(tx, request)).map(({ release }) => release.number);
      expect([await older(tag), await older(second), await older(first)]).toEqual([[], [1, 3], [3]]);
      const newest = (request: typeof tag) => requests.newestAfter(tx, request);
      expect([await newest(tag), await newest(second), await newest(first)]).toEqual([2, null, 2]);
    });
  });

  it('that are decided at the same moment take the older ones without a deadlock', async () => {
    const line = [1, 2, 3].map((number) => {
      const request = aRequest({ id: anId() });
      return { ...request, release: { ...request.release, id: anId(), number } };
    });
    await database.transaction(async (tx) => {
      for (const request of line) await requests.insert(tx, request);
    });
    const [, second, newest] = line as [(typeof line)[0], (typeof line)[0], (typeof line)[0]];
    const both = Promise.withResolvers<void>();
    let begun = 0;
    const waits = async () =>
      (await beside.query(`select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length > 0;
    /** Takes one, and once the other has its own, those before it; gives their numbers. */
    const decide = (request: typeof newest, when: () => Promise<unknown>) =>
      database.transaction(async (tx) => {
        await requests.find(tx, request.id);
        if (++begun === 2) both.resolve();
        await both.promise;
        await when();
        return (await requests.olderThan(tx, request)).map(({ release }) => release.number);
      });
    expect(await Promise.all([decide(newest, async () => undefined), decide(second, () => eventually(waits))])).toEqual([[1, 2], [1]]);
    expect(begun).toBe(2);
  });
});
