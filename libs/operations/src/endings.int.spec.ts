import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { Cancelled, cancel, stuckOperations, TimeIsUp } from './index.js';
import { aborted, db, ended, gate, oweOne, row, state, withOperations, work, worker, writeDone } from './worker.fixture.js';

withOperations();

describe('an error', () => {
  it('is tried again later, later each time, and counted in the row', async () => {
    const attempts: number[] = [];
    await worker([
      work(async ({ operation }) => {
        attempts.push(operation.attempt);
        if (operation.attempt < 2) throw new Error('no route to registry');
        return { done: true };
      }),
    ]);
    await oweOne();
    await eventually(async () => expect(await row()).toMatchObject({ last_error: 'no route to registry' }));
    await ended();
    expect(attempts).toEqual([0, 1, 2]);
  });

  it('ends in exhausted when no attempts are left, once that has been said', async () => {
    const said: string[] = [];
    await worker([
      work(async () => Promise.reject(new Error('broken')), {
        attempts: 2,
        exhausted: async (claim, error) => {
          said.push(error.message);
          if (said.length === 1) throw new Error('kafka is away');
          await claim.transact(({ tx }) => writeDone(claim, tx));
        },
      }),
    ]);
    await oweOne();
    await eventually(async () => expect(await state()).toBe('exhausted'), { within: 15_000 });
    expect(said).toHaveLength(2);
    expect(await db.query('select key from done')).toEqual([{ key: 'shop/1' }]);
  });

  it('of time running out aborts the work and exhausts it', async () => {
    const reasons: unknown[] = [];
    await worker([
      work(async ({ signal }) => aborted(signal), {
        exhausted: async (claim, error) => {
          reasons.push(error);
          expect(claim.signal.aborted).toBe(false);
        },
      }),
    ]);
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
    await worker([
      work(
        async ({ signal }) => {
          began.pass();
          return await aborted(signal).catch((error) => {
            reason = error;
            throw error;
          });
        },
        { cancelled: async (_, why) => cleaned.pass(why) },
      ),
    ]);
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
