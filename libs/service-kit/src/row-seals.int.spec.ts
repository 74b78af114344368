import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AdoptingRows, rowSealsOf } from './row-seals.js';

const tables = {
  person: { key: ['id'], decides: ['version', 'person'] },
  'bars of an environment': { table: 'standing', seal: 'barred_seal', key: ['project', 'environment'], decides: ['barred', 'since'] },
};
const file = newServiceKeyFile('approval', new Date());
const adopting = new RowSeals(serviceKeyOf({ ...file, rowSeals: 'adopted' }), tables);
const logger = pino({ level: 'silent' });
const never = new AbortController().signal;

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await aDatabase();
  database = await Database.connect({ url: test.url, schema: 'slipway_approval', applicationName: 'row seals' });
  await database.query('create table person (id int primary key, version int not null, person jsonb not null, seal text)');
  await database.query(
    'create table standing (project text, environment text, barred int[], since timestamptz, barred_seal text, primary key (project, environment))',
  );
});
beforeEach(() => database.query('truncate person, standing'));
afterAll(async () => {
  await database.close();
  await test.drop();
});

const people = () => database.query<{ id: number }>('select id, version, person, seal from person order by id');
const adoption = () => new AdoptingRows(database, adopting, logger);

describe('rows of before there were seals', () => {
  it('are sealed, however many there are, and believed from then on by a key that asks for seals', async () => {
    await database.query(
      `insert into person select id, 1, jsonb_build_object('name', 'p' || id, 'x', 0.1) from generate_series(1, 450) as id`,
    );
    await database.query(`insert into standing values ('shop', 'test', '{3,4}', now()), ('shop', 'production', '{}', null)`);
    const asking = new RowSeals(serviceKeyOf(file), tables);
    expect(asking.those('person', await people())).toEqual([]);
    await adoption().run(never);
    expect(asking.those('person', await people())).toHaveLength(450);
    const bars = await database.query<object>('select project, environment, barred, since, barred_seal as seal from standing');
    expect(asking.those('bars of an environment', bars)).toHaveLength(2);
  });

  it('are sealed again where the version before has changed them since, at the next start; what it adds meanwhile is at once', async () => {
    await database.query(`insert into person values (1, 1, '{}')`);
    const running = adoption();
    await running.run(never);
    await database.query(`update person set version = 2 where id = 1`);
    await database.query(`insert into person values (2, 1, '{}')`);
    await running.run(never);
    const whole = async () => (await people()).map((row) => adopting.fits('person', row));
    expect(await whole()).toEqual([false, true]);
    await adoption().run(never);
    expect(await whole()).toEqual([true, true]);
  });

  it('count and are told as not believed by a service that asks for seals', async () => {
    const registry = new Registry();
    const asking = rowSealsOf(serviceKeyOf(file), tables, registry, logger);
    expect(asking.asked).toBe(true);
    expect(asking.those('person', [{ id: 1, version: 1, person: {}, seal: null }])).toEqual([]);
    expect(await registry.metrics()).toContain('slipway_rows_not_believed_total{table="person"} 1');
    expect([...asking.seen.values()]).toMatchObject([{ table: 'person', id: '1' }]);
  });
});
