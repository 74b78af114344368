import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Claim, hurry, LostClaim, type Outcome, owe } from './index.js';
import { cancelChannel } from './owe.js';
import { connect, db, doneAfter, ended, gate, open, oweOne, row, withOperations, work, worker, writeDone } from './worker.fixture.js';

withOperations();

describe('owing', () => {
  it('makes one operation of a kind and key, however often it is owed', async () => {
    const first = await oweOne();
    const again = await oweOne({ input: { n: 2 } });
    expect([first.created, again]).toEqual([true, { id: first.id, created: false }]);
    expect((await row())['input']).toEqual({ n: 1 });
  });

  it('is undone with its transaction', async () => {
    await db
      .transaction(async (tx) => {
        await owe(tx, { kind: 'build', key: 'shop/1', input: 1 });
        throw new Error('no');
      })
      .catch(() => undefined);
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
    const slow = await worker([work(async ({ operation }) => doneAfter(seen.pass(operation)))], db, 20_000);
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
    // Longer than this process may stand still on a busy machine: a lease that ran out is taken over, and that is right.
    for (const database of [db, ...others]) await worker([work(run, { leaseMs: 60_000 })], database);
    await Promise.all(Array.from({ length: 60 }, (_, i) => oweOne({ key: `shop/${i}` })));
    await eventually(async () => expect(await db.query("select count(*)::int n from operation where state = 'done'")).toEqual([{ n: 60 }]));
    expect(most).toBe(1);
    expect(await db.query('select count(*)::int n, count(distinct key)::int keys, max(epoch) e from done')).toEqual([
      { n: 60, keys: 60, e: 1 },
    ]);
  });

  it('does no more of a kind at a time than it may', async () => {
    let now = 0;
    let most = 0;
    const go = gate();
    await worker([
      work(
        async () => {
          most = Math.max(most, ++now);
          await go.passed;
          now--;
          return { done: true };
        },
        { concurrency: 2 },
      ),
    ]);
    await Promise.all([1, 2, 3, 4, 5].map((i) => oweOne({ key: `shop/${i}` })));
    await eventually(() => expect(now).toBe(2));
    go.pass();
    for (const i of [1, 2, 3, 4, 5]) await ended(`shop/${i}`);
    expect(most).toBe(2);
  });

  it('waits for the moment of the database’s clock, whatever the clock of the node says', async () => {
    const [{ at: due }] = (await db.query<{ at: Date }>("select now() + interval '1.2 seconds' as at")) as [{ at: Date }];
    const ran = gate<Date>();
    await worker([
      work(async (claim) => {
        ran.pass(await claim.transact(async ({ now }) => now));
        return { done: true };
      }),
    ]);
    await oweOne({ notBefore: due });
    const at = await ran.passed;
    expect(at.getTime()).toBeGreaterThanOrEqual(due.getTime());
    expect(at.getTime() - due.getTime()).toBeLessThan(1_000);
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
    await worker([
      work(async () => {
        if (++looks > 1) return { done: true };
        first.pass();
        await go.passed;
        return { again: { afterMs: 600_000, reason: 'x' } };
      }),
    ]);
    await oweOne();
    await first.passed;
    await db.transaction((tx) => hurry(tx, 'build', 'shop/1'));
    go.pass();
    await ended();
  });

  it('renews a lease when a third of it is over, and not each time it renews a shorter one', async () => {
    const go = gate();
    const run = async (): Promise<Outcome> => doneAfter(await go.passed);
    await worker([work(run, { leaseMs: 600 }), work(run, { kind: 'guard', leaseMs: 60_000 })]);
    await oweOne();
    await oweOne({ kind: 'guard', key: 'guard/1' });
    const dueAt = async (key: string) => ((await row(key))['due_at'] as Date).getTime();
    await eventually(async () => expect(await row('guard/1')).toMatchObject({ state: 'running' }));
    const [short, long] = [await dueAt('shop/1'), await dueAt('guard/1')];
    await eventually(async () => expect(await dueAt('shop/1')).toBeGreaterThan(short + 800));
    expect(await dueAt('guard/1')).toBe(long);
    go.pass();
    await ended();
  });

  it('renews soon where somebody had the row locked, and not a third of the lease later', async () => {
    const [began, go] = [gate<Claim>(), gate()];
    const run = async (claim: Claim) => {
      began.pass(claim);
      return doneAfter(await go.passed);
    };
    await worker([work(run, { leaseMs: 600_000 })]);
    await oweOne();
    const claim = await began.passed;
    const end = () => performance.now() + claim.leaseLeft();
    const before = end();
    await db.transaction(async (tx) => {
      await tx.query('select 1 from operation for update');
      db.notify(cancelChannel); // it looks at its rows then
      const asked = performance.now();
      await eventually(() => performance.now() - asked > 500);
    });
    await eventually(() => end() > before + 300, { within: 2_000, every: 20 });
    go.pass();
    await ended();
  });

  it('reads within a claim without waiting for whoever has the row of the operation', async () => {
    const [read, lost] = [gate<unknown>(), gate<unknown>()];
    const [locked, free] = [gate(), gate()];
    await oweOne();
    await worker([
      work(
        async (claim) => {
          const other = db.transaction(async (tx) => {
            await tx.query('select 1 from operation for update');
            locked.pass();
            await free.passed;
          });
          await locked.passed;
          read.pass(await claim.read((tx) => tx.query('select 1 as one')));
          free.pass();
          await other;
          await db.query('update operation set epoch = epoch + 1');
          await claim.transact(async () => undefined).catch(() => undefined);
          await claim.read(async () => 'read').catch(lost.pass);
          return { done: true };
        },
        { leaseMs: 60_000 },
      ),
    ]);
    expect(await read.passed).toEqual([{ one: 1 }]);
    expect(await lost.passed).toBeInstanceOf(LostClaim);
  });
});
