import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { messagingMigrations } from '@slipway/messaging';
import { migrations as operationsMigrations } from '@slipway/operations';
import { Database, type MigrationClass, schemaOf } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
let postgres: TestDatabase;

beforeAll(async () => {
  postgres = await aDatabase();
  for (const service of services) {
    const database = await Database.connect({ url: postgres.url, schema: schemaOf(service), applicationName: 'test' });
    const { migrations } = (await import(`../../apps/${service}/src/migrations/index.ts`)) as { migrations: MigrationClass[] };
    await database.migrate(messagingMigrations, 'messaging');
    await database.migrate(operationsMigrations, 'operations');
    await database.migrate(migrations, service);
    await database.close();
  }
});
afterAll(() => postgres?.drop());

/** Rows of the guide: `service table`. */
async function told(): Promise<{ table: string; grows: string; rule: string }[]> {
  const text = await readFile(join(root, 'docs/guides/what-is-kept.md'), 'utf8');
  const rows = text.matchAll(/^\| ([a-z-]+) \| `([a-z_]+)` \| (\w+) \| ?(.*?) ?\|$/gm);
  return [...rows].flatMap(([, who = '', table, grows = '', rule = '']) =>
    (who === 'every' ? services : [who as Service]).map((service) => ({ table: `${service} ${table}`, grows, rule })),
  );
}

describe('what is kept', () => {
  it('is said of every table there is, and of none that is not', async () => {
    const there = await postgres.query<{ table: string }>(
      `select nspname || ' ' || relname as table from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where nspname like 'slipway\\_%' and relkind in ('r', 'p') and not relispartition`,
    );
    const bySchema = new Map(services.map((service) => [schemaOf(service), service]));
    const tables = there.map(({ table }) => {
      const [schema = '', name] = table.split(' ');
      return `${bySchema.get(schema)} ${name}`;
    });
    const known = await told();
    expect(tables.filter((table) => !known.some((each) => each.table === table))).toEqual([]);
    expect(known.filter(({ table }) => !tables.includes(table)).map(({ table }) => table)).toEqual([]);
  });

  it('has a rule wherever a table is said to be bounded', async () => {
    for (const { table, grows, rule } of await told()) {
      expect(['bounded', 'kept', 'few'], table).toContain(grows);
      if (grows === 'bounded') expect(rule.length, table).toBeGreaterThan(5);
    }
  });
});
