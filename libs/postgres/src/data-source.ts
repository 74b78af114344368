import pg from 'pg';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { DatabaseOptions } from './database.js';
import { identifier } from './names.js';

export type { MigrationInterface, QueryRunner };

export interface PoolUse {
  /** For migrations: one connection without a limit on how long a statement may run. */
  readonly patient?: boolean;
  /** Asked about each new connection; one that it throws at is not used. */
  readonly admit?: (client: pg.ClientBase) => Promise<void>;
}

/** The pool of a service, not connected yet. */
export function dataSourceFor(options: DatabaseOptions, { patient = false, admit }: PoolUse = {}): DataSource {
  const statementMs = patient ? 0 : (options.statementTimeoutMs ?? 15_000);
  return new DataSource({
    type: 'postgres',
    url: options.url,
    schema: identifier(options.schema),
    applicationName: patient ? `${options.applicationName} migrate` : options.applicationName,
    poolSize: patient ? 1 : (options.poolSize ?? 5),
    installExtensions: false,
    synchronize: false,
    logging: false,
    poolErrorHandler: () => undefined, // an idle connection that died is replaced at the next use; without a handler it would end the process
    extra: {
      connectionTimeoutMillis: 3_000, // pg waits for ever by default, for the pool as well as for the network
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      statement_timeout: statementMs,
      lock_timeout: options.lockTimeoutMs ?? 5_000,
      idle_in_transaction_session_timeout: patient ? 0 : 30_000,
      // The server can't report a time-out over a dead network: this one is ours, and a little longer.
      query_timeout: patient ? 0 : statementMs + 5_000,
      options: sessionOptions(options),
      ...(admit ? { onConnect: admit } : {}),
    },
  });
}

/** What a session of a service starts with. */
export function sessionOptions({ schema, role }: Pick<DatabaseOptions, 'schema' | 'role'>): string {
  const settings = [`search_path=${identifier(schema)}`, 'default_transaction_isolation=read\\ committed', 'TimeZone=UTC'];
  if (role) settings.push(`role=${identifier(role)}`);
  return settings.map((setting) => `-c ${setting}`).join(' ');
}

/** Makes the schema when it is missing. Throws, naming it, when this role may not. */
export async function ensureSchema(options: DatabaseOptions): Promise<void> {
  const name = identifier(options.schema);
  const client = new pg.Client({
    connectionString: options.url,
    application_name: options.applicationName,
    connectionTimeoutMillis: 3_000,
    query_timeout: 10_000,
    ...(options.role ? { options: `-c role=${identifier(options.role)}` } : {}),
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const found = await client.query('select 1 from pg_namespace where nspname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create schema if not exists ${name}`);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === '23505' || code === '42P06') return; // another replica made it at the same moment, which "if not exists" does not cover
    if (code === '42501') {
      throw new Error(`Schema ${name} is missing and this role may not make it: run provision with a role that may`, { cause: error });
    }
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
