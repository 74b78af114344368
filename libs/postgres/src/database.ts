import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClientBase, PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { Admission, type Judge } from './admission.js';
import { AdvisoryLock } from './advisory-lock.js';
import { dataSourceFor, ensureSchema } from './data-source.js';
import { isRetryable, isTransient, NestedTransaction } from './errors.js';
import { type MigrationClass, runMigrations } from './migrate.js';
import { NotifyListener } from './notify-listener.js';
import { asked, type Prepared } from './prepared.js';
import { ReservedConnection } from './reserved-connection.js';
import { type Tx, transactOnce } from './transaction.js';

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database`, as `provision` returns it. */
  url: string;
  /** The service's schema, `schemaOf(service)`; made if it is missing and may be made. It is the whole search path. */
  schema: string;
  /** What an operator reads in pg_stat_activity. */
  applicationName: string;
  /** Most connections of the pool; two more are reserved for notifications and for locks and leases. Default 5. */
  poolSize?: number;
  /** Role to act as after connecting, where the login is shared (`set role`). */
  role?: string;
  /** How long to wait at start for a server that is away, in ms. Default 30 000. */
  waitMs?: number;
  /** Longest a statement may run, in ms. Default 15 000. */
  statementTimeoutMs?: number;
  /** Longest a statement may wait for a lock, in ms. Default 5 000. */
  lockTimeoutMs?: number;
}

const attempts = 5;

/** One service's schema in Postgres. Every connection has time-outs for connecting, statements, locks and idle transactions. */
export class Database {
  /** Lease renewals and other short statements that must not wait for the pool. */
  readonly reserved: ReservedConnection;
  /** Session advisory locks: one replica at a time. */
  readonly locks: AdvisoryLock;
  private readonly notifications: NotifyListener;
  private readonly inside = new AsyncLocalStorage<{ open: boolean }>();

  private constructor(
    readonly dataSource: DataSource,
    private readonly options: DatabaseOptions,
    private readonly admission: Admission,
  ) {
    const admit = (client: ClientBase) => admission.pass(client);
    this.reserved = new ReservedConnection({ ...options, applicationName: `${options.applicationName} reserved`, admit });
    this.locks = new AdvisoryLock(this.reserved, options.schema);
    this.notifications = new NotifyListener({ ...options, admit });
  }

  /** Connects, waiting up to `waitMs` for a server that is away or starting. Throws at once on a wrong password or database. */
  static async connect(options: DatabaseOptions): Promise<Database> {
    const deadline = performance.now() + (options.waitMs ?? 30_000);
    for (let attempt = 1; ; attempt++) {
      try {
        await ensureSchema(options);
        const admission = new Admission(options);
        const source = dataSourceFor(options, { admit: (client) => admission.pass(client) });
        return new Database(await source.initialize(), options, admission);
      } catch (error) {
        if (!isTransient(error) || performance.now() > deadline) throw error;
        await wait(backOff(attempt, 200, 3_000));
      }
    }
  }

  get schema(): string {
    return this.options.schema;
  }

  /**
   * From now on nobody works with a database that `judge` has not let in: it is asked now, and again whenever connections are to a server that was restarted, to
   * another one, or to a database that was made anew. Until it has answered that database counts as away. Resolves when it has let in the present one.
   * @throws what `judge` throws; `Refused` is its word on this life of the database for a minute, after anything else it is asked again at once.
   */
  async admit(judge: Judge): Promise<void> {
    await this.admission.require(judge);
  }

  /**
   * Runs `fn` in one READ COMMITTED transaction; on a deadlock or serialization failure runs it again, up to 5 times with jitter, so `fn` changes
   * nothing but the database. Throws `CommitUnknown` when nobody knows whether it was committed, `NestedTransaction` inside another one.
   */
  async transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    this.refuseNesting();
    for (let attempt = 1; ; attempt++) {
      const mark = { open: true };
      try {
        return await transactOnce(
          this.dataSource,
          (channel) => this.notify(channel),
          (tx) => this.inside.run(mark, () => fn(tx)).finally(() => (mark.open = false)),
        );
      } catch (error) {
        if (!isRetryable(error) || attempt >= attempts) throw error;
        await wait(backOff(attempt, 20, 500));
      }
    }
  }

  /** One statement outside a transaction; returns its rows. int8 and numeric arrive as strings. */
  async query<T = Record<string, unknown>>(sql: string | Prepared, params?: unknown[]): Promise<T[]> {
    this.refuseNesting();
    const runner = this.dataSource.createQueryRunner();
    try {
      const client = (await runner.connect()) as PoolClient;
      return (await client.query(asked(sql, params))).rows as T[];
    } finally {
      await runner.release();
    }
  }

  /**
   * Runs the migrations of a set that this schema has not had, in the order of the list, each in its own transaction and under one advisory lock.
   * Messaging, operations and a service each name their own set. Returns the names of those run now.
   */
  migrate(migrations: readonly MigrationClass[], set = 'service'): Promise<string[]> {
    return runMigrations(this.options, migrations, set);
  }

  /** Calls `listener` when something was said on this channel of this schema, here or in another replica, and after a reconnect. Returns what ends it. */
  listen(channel: string, listener: () => void): () => void {
    return this.notifications.listen(channel, listener);
  }

  /** Tells listeners of the channel, debounced, never within a transaction (there: `tx.notify`). A hint only; never fails. */
  notify(channel: string): void {
    this.notifications.notify(channel);
  }

  /** Asks the server for an answer through the pool. Returns how long it took in ms; throws when it takes longer than `timeoutMs`. */
  async ping(timeoutMs: number): Promise<number> {
    const began = performance.now();
    const stop = new AbortController();
    const late = wait(timeoutMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error(`Query read timeout: Postgres gave no answer within ${timeoutMs} ms`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([this.query('select 1'), late]);
    } finally {
      stop.abort();
    }
    return performance.now() - began;
  }

  /** Gives everything back: locks, listeners, pool. Running transactions are waited for. */
  async close(): Promise<void> {
    await this.notifications.close();
    await this.reserved.close();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  private refuseNesting(): void {
    if (this.inside.getStore()?.open) throw new NestedTransaction();
  }
}

/** Exponential with full jitter, in ms. */
function backOff(attempt: number, firstMs: number, mostMs: number): number {
  return Math.random() * Math.min(mostMs, firstMs * 2 ** attempt);
}
