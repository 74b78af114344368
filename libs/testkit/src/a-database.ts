import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { realParts } from './real-parts.js';

export interface TestDatabase {
  readonly name: string;
  /** Connects as the administrator; give it to `Database.connect` or `provision`. */
  readonly url: string;
  /** Runs one statement as the administrator: what a test looks at from outside. */
  query<T = Record<string, unknown>>(sql: string, params?: unknown[]): Promise<T[]>;
  /** Ends every connection to it and drops it. Call it in afterAll. */
  drop(): Promise<void>;
}

/** A fresh, empty database of the test file's own: `const db = await aDatabase()` in beforeAll, `db.drop()` in afterAll. */
export async function aDatabase(): Promise<TestDatabase> {
  const name = `slipway_test_${process.pid}_${randomBytes(5).toString('hex')}`;
  const url = new URL(realParts().databaseUrl);
  await once(url.href, `create database ${name} template template0 encoding 'UTF8'`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  return {
    name,
    url: own.href,
    query: (sql, params) => once(own.href, sql, params),
    drop: async () => {
      await once(url.href, `drop database if exists ${name} with (force)`);
    },
  };
}

async function once<T>(url: string, sql: string, params?: unknown[]): Promise<T[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
    application_name: 'slipway testkit',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql, params)).rows as T[];
  } finally {
    await client.end().catch(() => undefined);
  }
}
