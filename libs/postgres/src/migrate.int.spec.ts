import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database, type MigrationClass, type MigrationInterface, type QueryRunner } from './index.js';

let test: TestDatabase;
let db: Database;
let other: Database;

beforeAll(async () => {
  test = await aDatabase();
  const options = { url: test.url, schema: 'slipway_shop', applicationName: 'shop' };
  [db, other] = await Promise.all([Database.connect(options), Database.connect(options)]);
});
afterAll(async () => {
  await Promise.all([db.close(), other.close()]);
  await test.drop();
});

function migration(name: string, sql: string): MigrationClass {
  return class implements MigrationInterface {
    readonly name = name;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(sql);
    }
    async down(): Promise<void> {}
  };
}

describe('migrations', () => {
  it('run once, in the order of the list, into the schema of the service', async () => {
    const list = [migration('A1', 'create table a (id int)'), migration('A2', 'alter table a add column name text')];
    expect(await db.migrate(list)).toEqual(['A1', 'A2']);
    expect(await db.migrate(list)).toEqual([]);
    expect(await test.query("select table_schema from information_schema.tables where table_name = 'a'")).toEqual([
      { table_schema: 'slipway_shop' },
    ]);
  });

  it('of two sets do not get into each other’s way, even with one name', async () => {
    expect(await db.migrate([migration('Same', 'create table messaging_same (id int)')], 'messaging')).toEqual(['Same']);
    expect(await db.migrate([migration('Same', 'create table operations_same (id int)')], 'operations')).toEqual(['Same']);
  });

  it('run once when several replicas start together', async () => {
    const list = [migration('B1', 'create table b (id int)'), migration('B2', 'insert into b select 1 from pg_sleep(0.2)')];
    const ran = await Promise.all([db, other, db, other].map((one) => one.migrate(list, 'together')));
    expect(ran.flat().sort()).toEqual(['B1', 'B2']);
    expect(await db.query('select id from b')).toEqual([{ id: 1 }]);
  });

  it('leave nothing behind when one fails, keep those before it, and name it', async () => {
    const broken = migration('C2', 'create table c2 (id int); select no_such_column');
    const list = [migration('C1', 'create table c1 (id int)'), broken];
    await expect(db.migrate(list, 'broken')).rejects.toThrow(/Migration C2 of the set "broken" failed.*no_such_column/);
    expect(await db.query("select to_regclass('c1') is not null as c1, to_regclass('c2') is not null as c2")).toEqual([
      { c1: true, c2: false },
    ]);
  });

  it('of a newer version are left alone by an older one', async () => {
    const old = [migration('D1', 'create table d (id int)')];
    await db.migrate([...old, migration('D2', 'alter table d add column more text')], 'newer');
    expect(await db.migrate(old, 'newer')).toEqual([]);
  });

  it('with one name twice are refused', async () => {
    await expect(db.migrate([migration('E', 'select 1'), migration('E', 'select 1')], 'twice')).rejects.toThrow('must be unique');
  });
});
