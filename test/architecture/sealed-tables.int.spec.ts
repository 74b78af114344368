import type { SealedTables } from '@slipway/identity';
import { messagingMigrations } from '@slipway/messaging';
import { migrations as operationsMigrations, sealedOperations } from '@slipway/operations';
import { Database, type MigrationClass } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations as approval } from '../../apps/approval/src/migrations/index.js';
import * as approvalRows from '../../apps/approval/src/sealed-tables.js';
import { migrations as gateway } from '../../apps/gateway/src/migrations/index.js';
import * as gatewayRows from '../../apps/gateway/src/sealed-tables.js';
import { migrations as imageBuilder } from '../../apps/image-builder/src/migrations/index.js';
import * as imageBuilderRows from '../../apps/image-builder/src/sealed-tables.js';
import { migrations as productionRollout } from '../../apps/production-rollout/src/migrations/index.js';
import * as productionRolloutRows from '../../apps/production-rollout/src/sealed-tables.js';
import { migrations as sourceWatcher } from '../../apps/source-watcher/src/migrations/index.js';
import * as sourceWatcherRows from '../../apps/source-watcher/src/sealed-tables.js';
import { migrations as testDeployer } from '../../apps/test-deployer/src/migrations/index.js';
import * as testDeployerRows from '../../apps/test-deployer/src/sealed-tables.js';

interface Judged {
  readonly sealedTables: SealedTables;
  readonly unsealedTables: Readonly<Record<string, string>>;
}

/** Every service but notifier, which decides nothing. */
const services: readonly (readonly [string, readonly MigrationClass[], Judged])[] = [
  ['source-watcher', sourceWatcher, sourceWatcherRows],
  ['image-builder', imageBuilder, imageBuilderRows],
  ['test-deployer', testDeployer, testDeployerRows],
  ['approval', approval, approvalRows],
  ['production-rollout', productionRollout, productionRolloutRows],
  ['gateway', gateway, gatewayRows],
];

/** What libs keep in every service, and why nobody deploys by a row of it. */
const ofLibs: Readonly<Record<string, string>> = {
  outbox: 'signed when it is written, over every byte; a row that was not is refused by whoever hears it',
  handoff: 'only tells whom to say an event again',
  sequence: 'a wrong number is refused by those who count',
  inbox: 'a row keeps an event from being handled; without it, it is handled as the first time: by rows that are sealed',
  stored_offset: 'what was read before is read again, or not at all',
  said_place: 'where this service was in what it said; who is behind it is told to stop',
  forgotten: 'until when the inbox was forgotten',
  schema_migration: 'which migrations were run; one that is run again fails at what it made',
  parked: 'a record as it was received, verified again when it is handled',
  dead_letter: 'a record as it was received, verified again when it is handled',
  place: 'who acts on an environment now; without the right row somebody waits, or two do there what sealed rows told each of them to do',
  operation: 'inputs name rows, and these decide; how far one is, is sealed',
};

let test: TestDatabase;
beforeAll(async () => {
  test = await aDatabase();
});
afterAll(() => test.drop());

/** Tables of a service and their columns, its own and those of libs. */
async function tablesOf(service: string, migrations: readonly MigrationClass[]): Promise<Map<string, string[]>> {
  const schema = `sealed_${service.replaceAll('-', '_')}`;
  const database = await Database.connect({ url: test.url, schema, applicationName: 'sealed tables' });
  try {
    const sets = { messaging: messagingMigrations, operations: operationsMigrations, service: migrations };
    for (const [set, each] of Object.entries(sets)) await database.migrate(each, set);
    const rows = await database.query<{ name: string; columns: string[] }>(
      `select relname as name, array_agg(attname::text) as columns from pg_class join pg_attribute on attrelid = pg_class.oid
       where relnamespace = $1::regnamespace and relkind in ('r', 'p') and not relispartition and attnum > 0 and not attisdropped
         and relname not like 'migrations%' group by relname`,
      [schema],
    );
    return new Map(rows.map(({ name, columns }) => [name, columns]));
  } finally {
    await database.close();
  }
}

/** Where the rows are that an entry of a list is about. */
const tableOf = ([name, { table = name }]: [string, SealedTables[string]]) => table;

/** Tables that no list names, and names for which there is no table. */
function unjudged(tables: Iterable<string>, { sealedTables, unsealedTables }: Judged): string[] {
  const there = new Set([...tables].filter((table) => !(table in ofLibs)));
  const judged = new Set([...Object.entries(sealedTables).map(tableOf), ...Object.keys(unsealedTables)]);
  return [...[...there].filter((table) => !judged.has(table)), ...[...judged].filter((table) => !there.has(table))].sort();
}

describe('every table of a service', () => {
  it.each(services)('of %s is sealed, or it is said why nobody deploys by a row of it', async (service, migrations, rows) => {
    const tables = await tablesOf(service, migrations);
    expect(tables.size).toBeGreaterThan(Object.keys(ofLibs).length);
    expect(Object.keys(ofLibs).filter((table) => !tables.has(table))).toEqual([]);
    expect(unjudged(tables.keys(), rows)).toEqual([]);
    for (const entry of Object.entries({ ...sealedOperations, ...rows.sealedTables } as SealedTables)) {
      const { key, decides, seal = 'seal' } = entry[1];
      const columns = tables.get(tableOf(entry)) ?? [];
      expect(
        [...key, ...decides, seal].filter((column) => !columns.includes(column)),
        entry[0],
      ).toEqual([]);
    }
  });

  it('is missed where it is new and nobody has judged it', () => {
    const rows = { sealedTables: { person: { key: ['id'], decides: ['person'] } }, unsealedTables: { nonce: 'refuses' } };
    expect(unjudged(['person', 'nonce', 'outbox'], rows)).toEqual([]);
    expect(unjudged(['person', 'nonce', 'freeze'], rows)).toEqual(['freeze']);
    expect(unjudged(['person'], rows)).toEqual(['nonce']);
  });
});
