import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Claim, hurry, type Outcome, owe } from './index.js';
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
});
