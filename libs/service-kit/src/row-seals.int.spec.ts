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
const adoption = (wholeEveryMs?: number, log = logger) => new AdoptingRows(database, adopting, log, wholeEveryMs);
const whole = async () => (await people()).map((row) => adopting.fits('person', row));

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
    expect(await whole()).toEqual([false, true]);
    await adoption().run(never);
    expect(await whole()).toEqual([true, true]);
  });

  it('are all looked at again while an older replica may still change them, and after a look that was broken off', async () => {
    await database.query(`insert into person values (1, 1, '{}')`);
    const change = () => database.query(`update person set version = version + 1 where id = 1`);
    const often = adoption(0);
    await often.run(never);
    await change();
    await often.run(never);
    expect(await whole()).toEqual([true]);
    await change();
    const stopped = adoption();
    await expect(stopped.run(AbortSignal.abort())).rejects.toThrow('abort');
    await stopped.run(never);
    expect(await whole()).toEqual([true]);
  });

  it('are all looked at in the end, however often a look runs out of time', async () => {
    await database.query(`insert into person select id, 1, '{}' from generate_series(1, 650) as id`);
    await database.query(`insert into standing values ('shop', 'test', '{}', null)`);
    const lines: string[] = [];
    let pages = 0;
    let outOfTime = new AbortController();
    const slow: Database = Object.assign(Object.create(database) as Database, {
      transaction: async (work: Parameters<Database['transaction']>[0]) => {
        if (++pages % 2 === 0) outOfTime.abort();
        return await database.transaction(work);
      },
    });
    const running = new AdoptingRows(slow, adopting, pino({}, { write: (line) => lines.push(line) }), 60_000);
    await expect(running.run(outOfTime.signal)).rejects.toThrow('abort');
    outOfTime = new AbortController();
    await expect(running.run(outOfTime.signal)).rejects.toThrow('abort');
    expect(lines.join()).not.toContain('all rows were looked at');
    outOfTime = new AbortController();
    await running.run(never);
    expect(lines.at(-1)).toContain('all rows were looked at');
    expect(await whole()).not.toContain(false);
    expect(pages).toBeLessThan(8);
  });

  it('do not wait for one that cannot be sealed, which is named', async () => {
    const lines: string[] = [];
    await database.query(
      `insert into standing values ('shop', 'endless', '{}', 'infinity'), ('shop', 'production', '{}', '-infinity'), ('shop', 'test', '{}', null)`,
    );
    await adoption(0, pino({}, { write: (line) => lines.push(line) })).run(never);
    expect(await database.query('select environment from standing where barred_seal is not null')).toEqual([{ environment: 'test' }]);
    const [left] = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50);
    expect(left).toMatchObject({ table: 'bars of an environment', rows: 2, first: ['shop endless', 'shop production'] });
    expect(lines.at(-1)).toContain('all rows were looked at');
  });

  it('count and are told as not believed by a service that asks for seals', async () => {
    const registry = new Registry();
    const asking = rowSealsOf(serviceKeyOf(file), tables, registry, logger);
    expect(asking.asked).toBe(true);
    expect(asking.those('person', [{ id: 1, version: 1, person: {}, seal: null }])).toEqual([]);
    const metrics = await registry.metrics();
    expect(metrics).toContain('slipway_rows_not_believed_total{table="person"} 1');
    expect(metrics).toContain('slipway_row_seals_asked 1');
    expect([...asking.seen.values()]).toMatchObject([{ table: 'person', id: '1' }]);
  });
});
