import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepNewer, newestRow } from './newer-rows.js';

const tables = { project: { key: ['name'], decides: ['version', 'file'] } };
const seals = new RowSeals(serviceKeyOf(newServiceKeyFile('approval', new Date())), tables);

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await aDatabase();
  database = await Database.connect({ url: test.url, schema: 'slipway_approval', applicationName: 'newer rows' });
  await database.query('create table project (name text primary key, version int not null, file jsonb, seal text)');
});
afterAll(async () => {
  await database?.close();
  await test?.drop();
});

const keep = (version: number, file: object | null) =>
  database.transaction((tx) => keepNewer(tx, seals, 'project', { name: 'shop', version, file }));
const kept = () => database.transaction((tx) => newestRow(tx, seals, 'project', 'shop'));

describe('what others say version by version', () => {
  it('is kept as it was said last, whatever is heard last, and so is that it was taken away', async () => {
    expect(await kept()).toBeUndefined();
    expect([await keep(2, { of: 2 }), await keep(1, { of: 1 }), await keep(2, { of: 'twice' })]).toEqual([true, false, false]);
    expect(await kept()).toMatchObject({ version: 2, file: { of: 2 } });
    expect(await keep(3, null)).toBe(true);
    expect(await kept()).toMatchObject({ version: 3, file: null });
  });

  it('is not believed where somebody else wrote it', async () => {
    await keep(4, { of: 4 });
    await database.query(`update project set file = '{"of": 5}'`);
    await expect(kept()).rejects.toThrow('row shop of table project is not believed');
  });
});
