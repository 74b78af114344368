import { Database, schemaOf } from '@slipway/postgres';
import { Registry } from '@slipway/service-kit';
import { aDatabase, anId, type TestDatabase } from '@slipway/testkit';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresLogs } from './adapters/postgres-logs.js';
import { ForgettingLogs } from './forgetting-logs.js';
import { migrations } from './migrations/index.js';

let postgres: TestDatabase;
let database: Database;
let logs: PostgresLogs;
const release = anId();
const registry = new Registry();

beforeAll(async () => {
  postgres = await aDatabase();
  database = await Database.connect({ url: postgres.url, schema: schemaOf('gateway'), applicationName: 'test' });
  await database.migrate(migrations, 'gateway');
  logs = new PostgresLogs(database);
});
afterAll(async () => {
  await database?.close();
  await postgres?.drop();
});

const forgetting = (days: number, mebibytes: number, from: Registry) =>
  new ForgettingLogs(logs, { SLIPWAY_KEEP_LOGS_DAYS: days, SLIPWAY_KEEP_LOGS_MIB: mebibytes } as never, from, pino({ level: 'silent' }));
const pass = (of: ForgettingLogs) => of.run(new AbortController().signal);
const count = async () => (await database.query<{ n: number }>('select count(*)::int as n from log_chunk'))[0]?.n;

describe('stored logs', () => {
  it('lose what is too old, and then the oldest of what is too much', async () => {
    // 12,000 chunks of 1 KiB, the first 2,000 of them a year old.
    await database.query(
      `insert into log_chunk (release, stream, chunk, packed, last, at)
       select $1, 'build/1', n, decode(repeat('ab', 1024), 'hex'), false, now() - case when n < 2000 then interval '365 days' else interval '1 day' end + n * interval '1 ms'
       from generate_series(0, 11999) as n`,
      [release],
    );
    await logs.keep({ query: (sql: string, params: unknown[]) => database.query(sql, params) } as never, {
      release,
      stream: 'build/2',
      chunk: 0,
      text: 'the newest',
      last: true,
    });
    const bounded = forgetting(180, 4, registry);
    await pass(bounded);
    await pass(bounded);
    expect(await logs.bytes()).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(await count()).toBe(4 * 1024 - 1 + 1);
    expect(await logs.streams(release)).toEqual(['build/1', 'build/2']);
    const [first] = await database.query<{ chunk: number }>("select min(chunk) as chunk from log_chunk where stream = 'build/1'");
    expect(first?.chunk).toBe(12_000 - (4 * 1024 - 1));
    expect(await logs.read(release, 'build/2', 0, 1)).toEqual([{ chunk: 0, text: 'the newest', last: true }]);
    const metrics = await registry.metrics();
    expect(metrics).toMatch(/slipway_log_chunks_forgotten_total 79\d\d/);
    expect(metrics).toMatch(/slipway_logs_bytes \d{7}/);
    await pass(bounded);
    expect(await count()).toBe(4 * 1024);
  });
});
