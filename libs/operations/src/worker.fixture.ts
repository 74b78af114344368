import { Database, type Tx } from '@slipway/postgres';
import { aDatabase, eventually, type TestDatabase } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type Claim, migrations, type Outcome, type Owed, owe, type Work, Worker, type WorkerOptions } from './index.js';

const schema = 'slipway_shop';
export let test: TestDatabase;
export let db: Database;
/** What a test leaves to be closed after it, last first. */
export const open: (() => Promise<unknown>)[] = [];
/** What works said, in transactions that committed. */
export const said: { name: string; data: unknown }[] = [];

/** A database with the operations of one service in it, empty before each test. Called once, at the top of a test file. */
export function withOperations(): void {
  beforeAll(async () => {
    test = await aDatabase();
    db = await connect();
    await db.migrate(migrations, 'operations');
    await db.query('create table done (kind text, key text, epoch int)');
  });
  beforeEach(async () => {
    said.length = 0;
    await db.query('truncate operation, place, done');
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });
}

export const connect = (url = test.url) => Database.connect({ url, schema, applicationName: 'worker' });
export const oweOne = (owed: Partial<Owed> = {}) =>
  db.transaction((tx) => owe(tx, { kind: 'build', key: 'shop/1', input: { n: 1 }, ...owed }));
export const row = async (key = 'shop/1') =>
  (await db.query('select * from operation where key = $1', [key]))[0] as Record<string, unknown>;
export const state = async (key?: string) => (await row(key))?.['state'];
export const ended = (key?: string) => eventually(async () => expect(await state(key)).toBe('done'));

/** What a work does in the transaction of its claim, to be counted afterwards. */
export const writeDone = ({ operation: { kind, key, epoch } }: Claim, tx: Tx) =>
  tx.query('insert into done values ($1, $2, $3)', [kind, key, epoch]);

/** A work of kind `build` with a short lease; the run decides. */
export function work(run: (claim: Claim) => Promise<Outcome>, more: Partial<Work> = {}): Work {
  return { kind: 'build', leaseMs: 1_500, callTimeoutMs: 100, run, ...more };
}

/** Started, and stopped after the test. */
export async function worker(
  works: Work[],
  database = db,
  pollMs = 300,
  { isBehind, ...more }: Partial<WorkerOptions> & { isBehind?: () => Promise<boolean> } = {},
): Promise<Worker & { registry: Registry }> {
  const registry = new Registry();
  const messaging = {
    ...(isBehind && { isBehind }),
    transact: <T>(fn: (unit: never) => Promise<T>) =>
      database.transaction(async (tx) => {
        const publish = ({ name }: { name: string }, { data }: { data: unknown }) => tx.afterCommit(() => said.push({ name, data }));
        return fn({ tx, now: await tx.now(), publish } as never);
      }),
  };
  const made = new Worker({ database, messaging, works, registry, logger: pino({ level: 'silent' }), pollMs, ...more });
  made.start();
  open.push(() => made.stop(5_000));
  return Object.assign(made, { registry });
}

/** Done, once that was done. */
export const doneAfter = (_: unknown): Outcome => ({ done: true });

/** A promise to be settled from outside. */
export function gate<T = void>() {
  let pass!: (value: T) => void;
  const passed = new Promise<T>((resolve) => (pass = resolve));
  return { passed, pass };
}

/** Rejects with the abort reason. */
export const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
