import { Database, type Tx } from '@slipway/postgres';
import { aDatabase, eventually, TcpProxy, type TestDatabase } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Cancelled, type Claim, cancel, hurry, LostClaim, migrations, type Owed, type Outcome, owe, ShuttingDown, stuckOperations, TimeIsUp, type Work, Worker } from './index.js';

const schema = 'slipway_shop';
let test: TestDatabase;
let db: Database;
let open: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  test = await aDatabase();
  db = await connect();
  await db.migrate(migrations, 'operations');
  await db.query('create table done (kind text, key text, epoch int)');
});
beforeEach(() => db.query('truncate operation, done'));
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(async () => {
  await db.close();
  await test.drop();
});

const connect = (url = test.url) => Database.connect({ url, schema, applicationName: 'worker' });
const oweOne = (owed: Partial<Owed> = {}) => db.transaction((tx) => owe(tx, { kind: 'build', key: 'shop/1', input: { n: 1 }, ...owed }));
const row = async (key = 'shop/1') => (await db.query<Record<string, never>>('select * from operation where key = $1', [key]))[0] as Record<string, unknown>;
const state = async (key?: string) => (await row(key))?.['state'];
const writeDone = ({ operation: { kind, key, epoch } }: Claim, tx: Tx) => tx.query('insert into done values ($1, $2, $3)', [kind, key, epoch]);
const ended = (key?: string) => eventually(async () => expect(await state(key)).toBe('done'));

/** A work of kind `build` with a short lease; the run decides. */
function work(run: (claim: Claim) => Promise<Outcome>, more: Partial<Work> = {}): Work {
  return { kind: 'build', leaseMs: 1_500, callTimeoutMs: 100, run, ...more };
}

async function worker(works: Work[], database = db): Promise<Worker & { registry: Registry }> {
  const registry = new Registry();
  const messaging = {
    transact: <T>(fn: (unit: never) => Promise<T>) => database.transaction(async (tx) => fn({ tx, now: await tx.now(), publish: () => '' } as never)),
  };
  const made = new Worker({ database, messaging, works, registry, logger: pino({ level: 'silent' }), pollMs: 300 });
  made.start();
  open.push(() => made.stop(5_000));
  return Object.assign(made, { registry });
}

/** A promise to be settled from outside. */
function gate<T = void>() {
  let pass!: (value: T) => void;
  const passed = new Promise<T>((resolve) => (pass = resolve));
  return { passed, pass };
}

const aborted = (signal: AbortSignal) => new Promise<never>((_, reject) => {
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
});

describe('owing', () => {
  it('makes one operation of a kind and key, however often it is owed', async () => {
    const first = await oweOne();
    const again = await oweOne({ input: { n: 2 } });
    expect([first.created, again]).toEqual([true, { id: first.id, created: false }]);
    expect((await row())['input']).toEqual({ n: 1 });
  });

  it('is undone with its transaction', async () => {
    await db.transaction(async (tx) => {
      await owe(tx, { kind: 'build', key: 'shop/1', input: 1 });
      throw new Error('no');
    }).catch(() => undefined);
    expect(await row()).toBeUndefined();
  });

  it('by two at once makes one', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => oweOne()));
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  });
});

describe('a worker', () => {
  it('does what is owed as soon as it is committed, and gives the work its input', async () => {
    const seen = gate<unknown>();
    const slow = new Worker({
      database: db,
      messaging: { transact: async () => Promise.reject(new Error('unused')) },
      works: [work(async ({ operation }) => (seen.pass(operation), { done: true }))],
      registry: new Registry(),
      logger: pino({ level: 'silent' }),
      pollMs: 20_000,
    });
    slow.start();
    open.push(() => slow.stop(1_000));
    await eventually(() => expect(slow.stats().lastLookMs).toBeDefined());
    const began = performance.now();
    await oweOne();
    expect(await seen.passed).toMatchObject({ kind: 'build', key: 'shop/1', input: { n: 1 }, epoch: 1, attempt: 0 });
    expect(performance.now() - began).toBeLessThan(5_000); // long before the next poll
    await ended();
  });

  it('never has an operation at the same time as another worker', async () => {
    const others = [await connect(), await connect()];
    for (const other of others) open.push(() => other.close());
    const inside = new Map<string, number>();
    let most = 0;
    const run = async (claim: Claim): Promise<Outcome> => {
      const { key } = claim.operation;
      inside.set(key, (inside.get(key) ?? 0) + 1);
      most = Math.max(most, inside.get(key) as number);
      await claim.transact(({ tx }) => writeDone(claim, tx));
      inside.set(key, (inside.get(key) as number) - 1);
      return { done: true };
    };
    for (const database of [db, ...others]) await worker([work(run)], database);
    await Promise.all(Array.from({ length: 60 }, (_, i) => oweOne({ key: `shop/${i}` })));
    await eventually(async () => expect(await db.query("select count(*)::int n from operation where state = 'done'")).toEqual([{ n: 60 }]));
    expect(most).toBe(1);
    expect(await db.query('select count(*)::int n, count(distinct key)::int keys, max(epoch) e from done')).toEqual([{ n: 60, keys: 60, e: 1 }]);
  });

  it('does no more of a kind at a time than it may', async () => {
    let now = 0;
    let most = 0;
    const go = gate();
    await worker([work(async () => {
      most = Math.max(most, ++now);
      await go.passed;
      now--;
      return { done: true };
    }, { concurrency: 2 })]);
    await Promise.all([1, 2, 3, 4, 5].map((i) => oweOne({ key: `shop/${i}` })));
    await eventually(() => expect(now).toBe(2));
    go.pass();
    for (const i of [1, 2, 3, 4, 5]) await ended(`shop/${i}`);
    expect(most).toBe(2);
  });

  it('waits for the moment of the database’s clock, whatever the clock of the node says', async () => {
    const [time] = await db.query<{ at: Date }>("select now() + interval '1.2 seconds' as at");
    const ran = gate<Date>();
    await worker([work(async (claim) => {
      ran.pass((await claim.transact(async ({ now }) => now)));
      return { done: true };
    })]);
    await oweOne({ notBefore: time?.at as Date });
    const at = await ran.passed;
    expect(at.getTime()).toBeGreaterThanOrEqual((time?.at as Date).getTime());
    expect(at.getTime() - (time?.at as Date).getTime()).toBeLessThan(1_000);
  });

  it('takes waiting for no failure, and can be hurried', async () => {
    let looks = 0;
    await worker([work(async () => (++looks < 2 ? { again: { afterMs: 600_000, reason: 'the registry is away' } } : { done: true }))]);
    await oweOne();
    await eventually(async () => expect(await row()).toMatchObject({ state: 'ready', attempt: 0, waiting_for: 'the registry is away' }));
    expect(looks).toBe(1);
    await db.transaction((tx) => hurry(tx, 'build', 'shop/1'));
    await ended();
  });

  it('does not lose a hurry that comes while it runs', async () => {
    const [first, go] = [gate(), gate()];
    let looks = 0;
    await worker([work(async () => {
      if (++looks > 1) return { done: true };
      first.pass();
      await go.passed;
      return { again: { afterMs: 600_000, reason: 'x' } };
    })]);
    await oweOne();
    await first.passed;
    await db.transaction((tx) => hurry(tx, 'build', 'shop/1'));
    go.pass();
    await ended();
  });
});

describe('an error', () => {
  it('is tried again later, later each time, and counted in the row', async () => {
    const attempts: number[] = [];
    await worker([work(async ({ operation }) => {
      attempts.push(operation.attempt);
      if (operation.attempt < 2) throw new Error('no route to registry');
      return { done: true };
    })]);
    await oweOne();
    await eventually(async () => expect(await row()).toMatchObject({ last_error: 'no route to registry' }));
    await ended();
    expect(attempts).toEqual([0, 1, 2]);
  });

  it('ends in exhausted when no attempts are left, once that has been said', async () => {
    const said: string[] = [];
    await worker([work(async () => Promise.reject(new Error('broken')), {
      attempts: 2,
      exhausted: async (claim, error) => {
        said.push(error.message);
        if (said.length === 1) throw new Error('kafka is away');
        await claim.transact(({ tx }) => writeDone(claim, tx));
      },
    })]);
    await oweOne();
    await eventually(async () => expect(await state()).toBe('exhausted'), { within: 15_000 });
    expect(said).toHaveLength(2);
    expect(await db.query('select key from done')).toEqual([{ key: 'shop/1' }]);
  });

  it('of time running out aborts the work and exhausts it', async () => {
    const reasons: unknown[] = [];
    await worker([work(async ({ signal }) => aborted(signal), {
      exhausted: async (claim, error) => {
        reasons.push(error);
        expect(claim.signal.aborted).toBe(false);
      },
    })]);
    await oweOne({ closeAfter: 0.4 });
    await eventually(async () => expect(await state()).toBe('exhausted'));
    expect(reasons[0]).toBeInstanceOf(TimeIsUp);
  });

  it('is seen by whoever looks for what is stuck', async () => {
    await oweOne({ notBefore: new Date(Date.now() - 3_600_000) });
    expect(await stuckOperations(db)).toMatchObject([{ key: 'shop/1', why: 'unclaimed' }]);
  });
});

describe('a cancelled operation', () => {
  it('that nobody began never begins', async () => {
    await oweOne();
    expect(await db.transaction((tx) => cancel(tx, 'build', 'shop/1', 'superseded'))).toBe(true);
    expect(await row()).toMatchObject({ state: 'cancelled', cancel_reason: 'superseded', epoch: 0 });
    expect(await db.transaction((tx) => cancel(tx, 'build', 'shop/1', 'again'))).toBe(false);
  });

  it('that runs is aborted with the reason, cleaned up, and ends', async () => {
    const [began, cleaned] = [gate(), gate<string>()];
    let reason: unknown;
    await worker([work(async ({ signal }) => {
      began.pass();
      return await aborted(signal).catch((error) => {
        reason = error;
        throw error;
      });
    }, { cancelled: async (_, why) => cleaned.pass(why) })]);
    await oweOne();
    await began.passed;
    await db.transaction((tx) => cancel(tx, 'build', 'shop/1', 'superseded by 2'));
    expect(await cleaned.passed).toBe('superseded by 2');
    expect(reason).toBeInstanceOf(Cancelled);
    await eventually(async () => expect(await state()).toBe('cancelled'));
  });

  it('that waits is cleaned up by whoever claims it next', async () => {
    const cleaned = gate<string>();
    await worker([work(async () => ({ again: { afterMs: 600_000, reason: 'x' } }), { cancelled: async (_, why) => cleaned.pass(why) })]);
    await oweOne();
    await eventually(async () => expect(await row()).toMatchObject({ state: 'ready', epoch: 1 }));
    await db.transaction((tx) => cancel(tx, 'build', 'shop/1', 'withdrawn'));
    expect(await cleaned.passed).toBe('withdrawn');
    await eventually(async () => expect(await state()).toBe('cancelled'));
  });
});

describe('a worker that is cut off from the database', () => {
  /** A worker behind a proxy whose first run hangs until its signal ends it, then tries to write. */
  async function cutOff(more: Partial<Work> = {}) {
    const { proxy, through } = await TcpProxy.before(test.url);
    const far = await connect(through);
    open.push(() => proxy.close(), () => far.close());
    const [began, lost] = [gate<Claim>(), gate<unknown>()];
    await worker([work(async (claim) => {
      began.pass(claim);
      await aborted(claim.signal).catch(lost.pass);
      return { done: true };
    }, more)], far);
    return { proxy, began, lost };
  }

  it('gives up before its lease is over, and another takes over with a higher epoch', async () => {
    const { proxy, began, lost } = await cutOff();
    await oweOne();
    const claim = await began.passed;
    expect(claim.leaseLeft()).toBeGreaterThan(500);
    proxy.pause();
    const stopped = lost.passed.then((reason) => ({ reason, at: performance.now() }));
    const taken = gate<{ epoch: number; at: number }>();
    await worker([work(async ({ operation }) => (taken.pass({ epoch: operation.epoch, at: performance.now() }), { done: true }))]);
    const [was, is] = [await stopped, await taken.passed];
    expect(was.reason).toBeInstanceOf(LostClaim);
    expect(claim.leaseLeft()).toBe(0);
    expect(is.epoch).toBe(2);
    expect(was.at).toBeLessThan(is.at);
    await ended();
    proxy.resume();
  });

  it('can write nothing any more under its old epoch once somebody else has it', async () => {
    const { proxy, began, lost } = await cutOff();
    await oweOne();
    const old = await began.passed;
    proxy.pause();
    await lost.passed;
    const taken = gate<Claim>();
    const go = gate();
    await worker([work(async (claim) => {
      taken.pass(claim);
      await go.passed;
      await claim.complete(({ tx }) => writeDone(claim, tx));
      return { done: true };
    })]);
    await taken.passed;
    proxy.resume();
    await expect(old.transact(({ tx }) => writeDone(old, tx))).rejects.toBeInstanceOf(LostClaim);
    go.pass();
    await ended();
    expect(await db.query('select epoch from done')).toEqual([{ epoch: 2 }]);
  });

  it('is refused by the row even when it does not know yet that it lost', async () => {
    const began = gate<Claim>();
    const go = gate();
    const refused = gate<unknown>();
    await worker([work(async (claim) => {
      began.pass(claim);
      await go.passed;
      await claim.transact(({ tx }) => writeDone(claim, tx)).catch(refused.pass);
      return { done: true };
    }, { leaseMs: 60_000 })]);
    await oweOne();
    await began.passed;
    await db.query('update operation set epoch = epoch + 1'); // as a takeover does, between two renewals
    go.pass();
    expect(await refused.passed).toBeInstanceOf(LostClaim);
    expect(await db.query('select * from done')).toEqual([]);
    expect(await row()).toMatchObject({ state: 'running', epoch: 2 });
  });

  it('is followed by one that waits for its last call where the outside can’t refuse it, and not where it can', async () => {
    await db.query("insert into operation (id, kind, key, input, state, due_at, first_due_at, epoch, call_timeout_ms) select gen_random_uuid(), 'build', 'shop/' || f, '1', 'running', now(), now(), 4, 900 from unnest(array['fenced', 'unfenced']) f");
    await db.query("update operation set kind = 'fenced' where key = 'shop/fenced'");
    const began = performance.now();
    const at = new Map<string, number>();
    const run = async ({ operation }: Claim): Promise<Outcome> => (at.set(operation.key, performance.now() - began), { done: true });
    await worker([work(run), work(run, { kind: 'fenced', fenced: true })]);
    await ended('shop/fenced');
    await ended('shop/unfenced');
    expect(at.get('shop/unfenced')).toBeGreaterThanOrEqual(890);
    expect(at.get('shop/fenced')).toBeLessThan(890);
    expect((await row('shop/fenced'))['epoch']).toBe(5);
  });

  it('keeps a lease for much longer than it lasts while all is well, and through a short cut', async () => {
    const { proxy, through } = await TcpProxy.before(test.url);
    const far = await connect(through);
    open.push(() => proxy.close(), () => far.close());
    const began = gate<Claim>();
    const go = gate();
    await worker([work(async (claim) => {
      began.pass(claim);
      await go.passed;
      return { done: true };
    })], far);
    await oweOne();
    const claim = await began.passed;
    const endOf = (one: Claim) => performance.now() + one.leaseLeft();
    for (let round = 0; round < 3; round++) {
      proxy.cut();
      const before = endOf(claim);
      await eventually(() => expect(endOf(claim)).toBeGreaterThan(before + 100), { within: 2_000, every: 20 });
    }
    await eventually(async () => expect((await db.query<{ s: number }>('select extract(epoch from now() - created_at)::float8 s from operation'))[0]?.s).toBeGreaterThan(2));
    await claim.enough(800);
    expect(claim.signal.aborted).toBe(false);
    go.pass();
    await ended();
    expect((await row())['epoch']).toBe(1);
  });

  it('comes back to work by itself after every connection was ended', async () => {
    await worker([work(async () => ({ done: true }))]);
    await oweOne();
    await ended();
    await test.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
    await eventually(() => oweOne({ key: 'shop/2' }));
    await ended('shop/2');
  });
});

describe('a worker that stops', () => {
  it('hands over at once, and it is no failed attempt', async () => {
    const [began, taken] = [gate<Claim>(), gate<Claim>()];
    const leaving = await worker([work(async (claim) => {
      began.pass(claim);
      return await aborted(claim.signal);
    }, { leaseMs: 600_000 })]);
    await oweOne();
    const claim = await began.passed;
    const stopped = await leaving.stop(5_000);
    expect(stopped.left).toBe(0);
    expect(claim.signal.reason).toBeInstanceOf(ShuttingDown);
    expect(await row()).toMatchObject({ state: 'ready', owner: null, attempt: 0 });
    await worker([work(async (next) => (taken.pass(next), { done: true }))]);
    expect((await taken.passed).operation).toMatchObject({ epoch: 2, attempt: 0 });
    await ended();
  });

  it('keeps the lease of what does not stop in time, for it may still be acting', async () => {
    const began = gate();
    const go = gate();
    const leaving = await worker([work(async () => {
      began.pass();
      await go.passed;
      return { done: true };
    }, { leaseMs: 60_000 })]);
    await oweOne();
    await began.passed;
    expect(await leaving.stop(100)).toEqual({ left: 1 });
    expect(await row()).toMatchObject({ state: 'running', epoch: 1 });
    go.pass();
    await ended();
  });
});

describe('a claim', () => {
  it('keeps what was noted for the next one', async () => {
    const seen: unknown[] = [];
    await worker([work(async (claim) => {
      seen.push(claim.operation.progress);
      if (claim.operation.progress) return { done: true };
      await claim.note({ pushed: 3 });
      return { again: { afterMs: 0, reason: 'x' } };
    })]);
    await oweOne();
    await ended();
    expect(seen).toEqual([null, { pushed: 3 }]);
  });

  it('is not given for a call that fits no lease', async () => {
    await expect(worker([work(async () => ({ done: true }), { callTimeoutMs: 1_200 })])).rejects.toThrow('does not fit into a lease');
  });
});

describe('the metrics', () => {
  it('count what there is and what became of it', async () => {
    const { registry } = await worker([work(async () => ({ done: true }))]);
    await oweOne({ key: 'later', notBefore: new Date(Date.now() + 3_600_000) });
    await oweOne();
    await ended();
    await eventually(async () => expect(await registry.metrics()).toContain('slipway_operation_attempts_total{kind="build",outcome="done"} 1'));
    const text = await registry.metrics();
    expect(text).toContain('slipway_operations{kind="build",state="waiting"} 1');
    expect(text).toContain('slipway_operation_age_seconds{kind="build"} 0');
  });
});
