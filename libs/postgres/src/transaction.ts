import type { PoolClient } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { CommitRefused, CommitUnknown, isConnectionLoss, isRefusedCommit } from './errors.js';
import { asked, type Prepared } from './prepared.js';

/** One open transaction. Only good inside the function it was given to. */
export interface Tx {
  /** Runs one statement with `$1`-style parameters and returns its rows, whatever the statement is. int8 and numeric arrive as strings. */
  query<T = Record<string, unknown>>(sql: string | Prepared, params?: unknown[]): Promise<T[]>;
  /** Start of this transaction by the database's clock: the only clock decisions may use. */
  now(): Promise<Date>;
  /** TypeORM's manager on the same connection and transaction. */
  readonly manager: EntityManager;
  /** Once this is committed, tells those who listen on the channel, here and in other replicas. A hint: it may be lost, and is dropped on rollback. */
  notify(channel: string): void;
  /** Runs after a commit that is known to have happened. Must not throw and must not be relied upon: a crash skips it. */
  afterCommit(then: () => void): void;
}

class OpenTransaction implements Tx {
  readonly hooks: (() => void)[] = [];
  over = false;
  private started: Date | undefined;
  /** Settles when every statement asked for so far has been answered: one connection does one at a time. */
  answered: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly client: PoolClient,
    private readonly runner: QueryRunner,
    private readonly say: (channel: string) => void,
  ) {}

  get manager(): EntityManager {
    return this.runner.manager;
  }

  async query<T = Record<string, unknown>>(sql: string | Prepared, params?: unknown[]): Promise<T[]> {
    if (this.over) throw new Error('This transaction is over: its tx was kept beyond the function it was given to');
    const answer = this.answered.then(() => this.client.query(asked(sql, params)));
    this.answered = answer.catch(() => undefined);
    return (await answer).rows as T[];
  }

  async now(): Promise<Date> {
    this.started ??= (await this.query<{ now: Date }>('select transaction_timestamp() as now'))[0]?.now as Date;
    return this.started;
  }

  notify(channel: string): void {
    this.hooks.push(() => this.say(channel));
  }

  afterCommit(then: () => void): void {
    this.hooks.push(then);
  }
}

/**
 * Runs `fn` once in one READ COMMITTED transaction. Throws what `fn` throws after rolling back, `CommitUnknown` when the answer to COMMIT was
 * lost, `CommitRefused` when an error inside was swallowed. A connection in doubt is closed, never given back to the pool.
 */
export async function transactOnce<T>(source: DataSource, say: (channel: string) => void, fn: (tx: Tx) => Promise<T>): Promise<T> {
  const runner = source.createQueryRunner();
  let hooks: (() => void)[] = [];
  let result: T;
  try {
    const client = (await runner.connect()) as PoolClient;
    const tx = new OpenTransaction(client, runner, say);
    try {
      await runner.startTransaction();
      result = await fn(tx);
      await tx.answered; // a statement nobody waited for is part of it all the same
    } catch (error) {
      tx.over = true;
      if (!isConnectionLoss(error)) await tx.answered;
      await rollBack(client, error);
      throw error;
    }
    tx.over = true;
    await commit(client);
    hooks = tx.hooks;
  } finally {
    await runner.release();
  }
  for (const then of hooks) then();
  return result;
}

async function commit(client: PoolClient): Promise<void> {
  let answer: { command: string };
  try {
    answer = await client.query('commit');
  } catch (error) {
    discard(client);
    throw isRefusedCommit(error) ? error : new CommitUnknown(error);
  }
  if (answer.command === 'ROLLBACK') throw new CommitRefused();
}

async function rollBack(client: PoolClient, reason: unknown): Promise<void> {
  if (isConnectionLoss(reason)) return discard(client);
  try {
    await client.query('rollback');
  } catch {
    discard(client); // Postgres rolls back by itself when the connection closes
  }
}

/** pg-pool drops an ended client when it is released. */
function discard(client: PoolClient): void {
  void (client as unknown as { end(): Promise<void> }).end().catch(() => undefined);
}
