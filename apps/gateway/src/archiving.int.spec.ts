import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database, schemaOf } from '@slipway/postgres';
import type { ConfigOf, Logger } from '@slipway/service-kit';
import { aDatabase, anId, eventually, type TestDatabase } from '@slipway/testkit';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GzipJournalFiles } from './adapters/journal-files.js';
import { PostgresJournal } from './adapters/postgres-journal.js';
import { Archiving } from './archiving.js';
import { GatewayConfig } from './gateway.config.js';
import { migrations } from './migrations/index.js';
import { ReadingJournal } from './reading-journal.js';

/** What an installation has that sets nothing. */
const config = GatewayConfig.parse({}) as ConfigOf<typeof GatewayConfig>;
const logger = pino({ level: 'silent' }) as Logger;
const never = new AbortController().signal;

let own: TestDatabase;
let database: Database;
/** Of another process, that reads. */
let beside: Database;
let folder: string;

beforeAll(async () => {
  own = await aDatabase();
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
  const connect = () => Database.connect({ url: own.url, schema: schemaOf('gateway'), applicationName: 'archiving' });
  [database, beside] = [await connect(), await connect()];
  await database.migrate(migrations, 'gateway');
});
afterAll(async () => {
  await Promise.all([database?.close(), beside?.close()]);
  await own?.drop();
  await rm(folder, { recursive: true, force: true });
});

function archivingInto(dataDir: string) {
  const journal = new PostgresJournal(database);
  const files = new GzipJournalFiles({ ...config, SLIPWAY_DATA_DIR: dataDir });
  return { run: () => new Archiving(journal, files, config, logger).run(never), reading: new ReadingJournal(journal, files), journal };
}

/** `2026-10` for 1 where this is November 2026. */
function monthsAgo(months: number): string {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 7);
}

/** A month of the journal with this many events, as it was kept then. */
async function aMonth(month: string, events: number): Promise<void> {
  const table = `journal_${month.replace('-', '_')}`;
  await database.query(
    `create table ${table} partition of journal for values from ('${month}-01') to ('${month}-01'::date + interval '1 month')`,
  );
  for (let event = 0; event < events; event++)
    await database.query(
      `insert into journal (seq, received_at, event_id, name, source, subject, headers, value)
       values (nextval('journal_seq'), $1, $2, 'environment.held', 'test-deployer', 'shop/test', '{}', $3)`,
      [`${month}-02T00:00:00Z`, anId(), Buffer.from(`${month} ${event}`)],
    );
}

async function inPostgres(): Promise<string[]> {
  const rows = await database.query<{ month: string }>(
    "select distinct to_char(received_at at time zone 'UTC', 'YYYY-MM') as month from journal order by 1",
  );
  return rows.map(({ month }) => month);
}

describe('months of the journal, where nothing is set', () => {
  it('are moved when they ended more than twelve months ago, and all is read again as it was', async () => {
    const [young, old, older] = [monthsAgo(12), monthsAgo(13), monthsAgo(30)];
    for (const [month, events] of [
      [older, 2],
      [old, 3],
      [young, 1],
    ] as const)
      await aMonth(month, events);
    const before = await database.query<{ value: Buffer }>('select value from journal order by seq');
    const { run, reading } = archivingInto(folder);
    await run();
    expect(await inPostgres()).toEqual([young]);
    expect(await readdir(join(folder, 'journal'))).toEqual([`${older}.ndjson.gz`, `${old}.ndjson.gz`].sort());
    const { place } = await reading.beginning();
    const read: string[] = [];
    for await (const { rows } of reading.from(place, 2)) read.push(...rows.map(({ value }) => value.toString()));
    expect(read).toEqual(before.map(({ value }) => value.toString()));
  });

  it('are left where they are while earlier ones are not in the folder, as on another machine', async () => {
    const old = monthsAgo(14);
    await aMonth(old, 1);
    const elsewhere = await mkdtemp(join(tmpdir(), 'journal-'));
    try {
      await expect(archivingInto(elsewhere).run()).rejects.toThrow(
        `no month of the journal is moved, for earlier ones are not where they were moved to: ${join(elsewhere, 'journal', `${monthsAgo(30)}.ndjson.gz`)} and 1 more`,
      );
      expect(await inPostgres()).toContain(old);
      await rename(join(folder, 'journal'), join(elsewhere, 'journal'));
      await archivingInto(elsewhere).run();
      expect(await inPostgres()).not.toContain(old);
      await rename(join(elsewhere, 'journal'), join(folder, 'journal'));
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  });

  it('leave Postgres beside somebody who reads, and neither stands in the way of the other', async () => {
    const old = monthsAgo(15);
    await aMonth(old, 1);
    const isLocked = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let moving: Promise<void> | undefined;
    // As a reader has it in the middle of one statement: the journal as a whole is locked, its months are next.
    await beside.transaction(async (tx) => {
      await tx.query("set local lock_timeout = '500ms'");
      await tx.query('lock table only journal in access share mode');
      moving ??= archivingInto(folder).run();
      await eventually(async () => (await own.query(isLocked)).length > 0);
      await tx.query('select count(*) from journal');
    });
    await moving;
    expect(await inPostgres()).not.toContain(old);
  });
});
