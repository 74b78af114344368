import { eventually, TcpProxy } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Claim, LostClaim, type Work } from './index.js';
import {
  aborted,
  connect,
  db,
  doneAfter,
  ended,
  gate,
  open,
  oweOne,
  row,
  test,
  withOperations,
  work,
  worker,
  writeDone,
} from './worker.fixture.js';

withOperations();

describe('a worker that is cut off from the database', () => {
  /** A worker behind a proxy whose first run hangs until its signal ends it, then tries to write. */
  async function cutOff(more: Partial<Work> = {}) {
    const { proxy, through } = await TcpProxy.before(test.url);
    const far = await connect(through);
    open.push(
      () => proxy.close(),
      () => far.close(),
    );
    const [began, lost] = [gate<Claim>(), gate<unknown>()];
    await worker(
      [
        work(async (claim) => {
          began.pass(claim);
          await aborted(claim.signal).catch(lost.pass);
          return { done: true };
        }, more),
      ],
      far,
    );
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
    await worker([work(async ({ operation }) => doneAfter(taken.pass({ epoch: operation.epoch, at: performance.now() })))]);
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
    await worker([
      work(async (claim) => {
        taken.pass(claim);
        await go.passed;
        await claim.complete(({ tx }) => writeDone(claim, tx));
        return { done: true };
      }),
    ]);
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
    await worker([
      work(
        async (claim) => {
          began.pass(claim);
          await go.passed;
          await claim.transact(({ tx }) => writeDone(claim, tx)).catch(refused.pass);
          return { done: true };
        },
        { leaseMs: 60_000 },
      ),
    ]);
    await oweOne();
    await began.passed;
    await db.query('update operation set epoch = epoch + 1'); // as a takeover does, between two renewals
    go.pass();
    expect(await refused.passed).toBeInstanceOf(LostClaim);
    expect(await db.query('select * from done')).toEqual([]);
    expect(await row()).toMatchObject({ state: 'running', epoch: 2 });
  });

  it('keeps a lease for much longer than it lasts while all is well, and through a short cut', async () => {
    const { proxy, through } = await TcpProxy.before(test.url);
    const far = await connect(through);
    open.push(
      () => proxy.close(),
      () => far.close(),
    );
    const began = gate<Claim>();
    const go = gate();
    await worker(
      [
        work(async (claim) => {
          began.pass(claim);
          await go.passed;
          return { done: true };
        }),
      ],
      far,
    );
    await oweOne();
    const claim = await began.passed;
    const endOf = (one: Claim) => performance.now() + one.leaseLeft();
    for (let round = 0; round < 3; round++) {
      proxy.cut();
      const before = endOf(claim);
      await eventually(() => expect(endOf(claim)).toBeGreaterThan(before + 100), { within: 2_000, every: 20 });
    }
    await eventually(async () =>
      expect(
        (await db.query<{ s: number }>('select extract(epoch from now() - created_at)::float8 s from operation'))[0]?.s,
      ).toBeGreaterThan(2),
    );
    expect(claim.signal.aborted).toBe(false);
    go.pass();
    await ended();
    expect((await row())['epoch']).toBe(1);
  });

  it('comes back to work by itself after every connection was ended', async () => {
    await worker([work(async () => ({ done: true }))]);
    await oweOne();
    await ended();
    await test.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await eventually(() => oweOne({ key: 'shop/2' }));
    await ended('shop/2');
  });
});
