import type { MigrationInterface, QueryRunner } from 'typeorm';
import { dataSourceFor } from './data-source.js';
import type { DatabaseOptions } from './database.js';
import { advisoryNumber } from './names.js';

/** A TypeORM migration class with hand-written SQL, names unqualified; its `name` or class name is what is recorded. */
export type MigrationClass = new () => MigrationInterface;

/** How long a replica waits for another that migrates, in ms: long, because there is nothing else it could do. */
const waitForOthersMs = 5 * 60_000;

/** See `Database.migrate`. What a newer version recorded and this one does not know is left alone: two versions run side by side. */
export async function runMigrations(options: DatabaseOptions, migrations: readonly MigrationClass[], set: string): Promise<string[]> {
  const list = migrations.map((Migration) => {
    const migration = new Migration();
    return { migration, name: migration.name ?? Migration.name };
  });
  const twice = list.find(({ name }, at) => list.findIndex((other) => other.name === name) !== at);
  if (twice) throw new Error(`Migration ${twice.name} is in the set "${set}" twice: names must be unique`);

  const source = await dataSourceFor(options, { patient: true }).initialize();
  const done: string[] = [];
  try {
    const runner = source.createQueryRunner();
    const had = await recorded(runner, set);
    if (!had) await recordTable(runner, options.schema);
    for (const { migration, name } of list) {
      if (!had?.has(name) && (await runOne(runner, options.schema, set, name, migration))) done.push(name);
    }
    await runner.release();
  } finally {
    await source.destroy();
  }
  return done;
}

/** Those of the set that were run, undefined where nothing ever was: a service that starts again takes no lock and begins no transaction for each of them. */
async function recorded(runner: QueryRunner, set: string): Promise<ReadonlySet<string> | undefined> {
  const [table] = await runner.query(`select to_regclass('schema_migration') as name`);
  if (table.name === null) return undefined;
  const rows: { name: string }[] = await runner.query('select name from schema_migration where set_name = $1', [set]);
  return new Set(rows.map(({ name }) => name));
}

async function recordTable(runner: QueryRunner, schema: string): Promise<void> {
  await locked(runner, schema, () =>
    runner.query(`create table if not exists schema_migration (
      set_name text not null,
      name text not null,
      run_at timestamptz not null default now(),
      primary key (set_name, name)
    )`),
  );
}

async function runOne(runner: QueryRunner, schema: string, set: string, name: string, migration: MigrationInterface): Promise<boolean> {
  return await locked(runner, schema, async () => {
    const had = await runner.query('select 1 from schema_migration where set_name = $1 and name = $2', [set, name]);
    if (had.length > 0) return false;
    try {
      await migration.up(runner);
    } catch (error) {
      throw new Error(`Migration ${name} of the set "${set}" failed and was undone: ${(error as Error).message}`, { cause: error });
    }
    await runner.query('insert into schema_migration (set_name, name) values ($1, $2)', [set, name]);
    return true;
  });
}

/** One transaction that nobody else migrates this schema beside. */
async function locked<T>(runner: QueryRunner, schema: string, fn: () => Promise<T>): Promise<T> {
  await runner.startTransaction();
  try {
    await runner.query(`set local lock_timeout = ${waitForOthersMs}`);
    await runner.query('select pg_advisory_xact_lock($1)', [advisoryNumber(schema, 'migrate')]);
    // A change of a table that is in use must not queue everybody behind it for long: better to fail and be started again.
    await runner.query('set local lock_timeout = 10000');
    const result = await fn();
    await runner.commitTransaction();
    return result;
  } catch (error) {
    await runner.rollbackTransaction().catch(() => undefined);
    throw error;
  }
}
