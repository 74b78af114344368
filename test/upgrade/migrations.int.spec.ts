import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { services } from '@slipway/contracts';
import { messagingMigrations } from '@slipway/messaging';
import { migrations as operationsMigrations } from '@slipway/operations';
import { Database, type MigrationClass } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations as approval } from '../../apps/approval/src/migrations/index.js';
import { migrations as gateway } from '../../apps/gateway/src/migrations/index.js';
import { migrations as imageBuilder } from '../../apps/image-builder/src/migrations/index.js';
import { migrations as notifier } from '../../apps/notifier/src/migrations/index.js';
import { migrations as productionRollout } from '../../apps/production-rollout/src/migrations/index.js';
import { migrations as sourceWatcher } from '../../apps/source-watcher/src/migrations/index.js';
import { migrations as testDeployer } from '../../apps/test-deployer/src/migrations/index.js';
import { root } from '../../tools/suite/services.ts';
import { contracted } from './contractions.js';
import { contractions, shapeOf } from './shape.js';

const sets: Readonly<Record<string, readonly MigrationClass[]>> = {
  messaging: messagingMigrations,
  operations: operationsMigrations,
  approval,
  gateway,
  'image-builder': imageBuilder,
  notifier,
  'production-rollout': productionRollout,
  'source-watcher': sourceWatcher,
  'test-deployer': testDeployer,
};
let test: TestDatabase;
let planted: Database;

beforeAll(async () => {
  test = await aDatabase();
  planted = await Database.connect({ url: test.url, schema: 'planted', applicationName: 'upgrade' });
});
afterAll(async () => {
  await planted?.close();
  await test?.drop();
});

/** Runs the migrations one by one; gives what a service of before would trip over after each. */
async function trippedOver(set: string, migrations: readonly MigrationClass[]): Promise<string[]> {
  const schema = `upgrade_${set.replaceAll('-', '_')}`;
  const database = await Database.connect({ url: test.url, schema, applicationName: 'upgrade' });
  try {
    const found: string[] = [];
    let before = await shapeOf(database, schema);
    for (const Migration of migrations) {
      await database.migrate([Migration], set);
      const after = await shapeOf(database, schema);
      found.push(...contractions(before, after).map((what) => `${set}/${Migration.name}: ${what}`));
      before = after;
    }
    return found;
  } finally {
    await database.close();
  }
}

/** The same of single statements, in a schema of their own that begins with a table and a view. */
async function trippedOverBy(...statements: readonly string[]): Promise<string[]> {
  const database = planted;
  await database.query('drop table if exists a, b cascade');
  await database.query('create table a (id int primary key, name text)');
  if (statements.some((sql) => sql.includes('view'))) await database.query('create view v as select id, name from a');
  const before = await shapeOf(database, 'planted');
  for (const sql of statements) await database.query(sql);
  return contractions(before, await shapeOf(database, 'planted'));
}

describe('migrations', () => {
  it.each(Object.entries(sets))('of %s only expand, so that the version before runs beside this one', async (set, migrations) => {
    const allowed = new Set(contracted.map(({ where, what }) => `${where}: ${what}`));
    expect(migrations.length).toBeGreaterThan(0);
    expect((await trippedOver(set, migrations)).filter((each) => !allowed.has(each))).toEqual([]);
  });

  it('are those of every service and library that has any', () => {
    const folders = ['apps', 'libs'].flatMap((room) =>
      readdirSync(join(root, room)).filter((name) => readdirSync(join(root, room, name, 'src')).includes('migrations')),
    );
    expect(Object.keys(sets).sort()).toEqual(folders.sort());
    expect(Object.keys(sets)).toEqual(expect.arrayContaining([...services]));
  });

  it.each([
    ['drops a column', 'alter table a drop column name', 'a.name is gone'],
    ['renames a column', 'alter table a rename name to title', 'a.name is gone'],
    ['drops a table', 'drop table a', 'a.id is gone'],
    ['changes a type', 'alter table a alter id type bigint', 'a.id was integer and is bigint'],
    ['adds what must be filled', 'alter table a add column more text not null', 'a.more is new and must be filled'],
    ['lets nothing be null that could be', 'alter table a alter name set not null', 'a.name may no longer be null'],
    ['adds a check', 'alter table a add check (id > 0)', /a new rule of .*CHECK/],
    ['adds a key', 'create unique index on a (name)', /a new rule of .*UNIQUE/],
    ['takes a key away that an insert names', 'alter table a drop constraint a_pkey', /no more .*PRIMARY KEY/],
    ['takes a column from a view', 'drop view v; create view v as select id from a', 'v.name is gone'],
  ])('are caught with one that %s', async (_, sql, says) => {
    expect((await trippedOverBy(...sql.split('; '))).join('\n')).toMatch(says);
  });

  it('may add tables, columns that are filled in, indexes and columns of views', async () => {
    const list = [
      'create table b (id int primary key check (id > 0))',
      "alter table a add column note text, add column more text not null default ''",
      'create index on a (note)',
      'create or replace view v as select id, name, note from a',
    ];
    expect(await trippedOverBy(...list)).toEqual([]);
  });
});
