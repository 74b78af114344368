import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Claim, ShuttingDown } from './index.js';
import { aborted, doneAfter, ended, gate, oweOne, row, withOperations, work, worker } from './worker.fixture.js';

withOperations();

describe('a worker that stops', () => {
  it('hands over at once, and it is no failed attempt', async () => {
    const [began, taken] = [gate<Claim>(), gate<Claim>()];
    const leaving = await worker([
      work(
        async (claim) => {
          began.pass(claim);
          return await aborted(claim.signal);
        },
        { leaseMs: 600_000 },
      ),
    ]);
    await oweOne();
    const claim = await began.passed;
    const stopped = await leaving.stop(5_000);
    expect(stopped.left).toBe(0);
    expect(claim.signal.reason).toBeInstanceOf(ShuttingDown);
    expect(await row()).toMatchObject({ state: 'ready', owner: null, attempt: 0 });
    await worker([work(async (next) => doneAfter(taken.pass(next)))]);
    expect((await taken.passed).operation).toMatchObject({ epoch: 2, attempt: 0 });
    await ended();
  });

  it('keeps the lease of what does not stop in time, for it may still be acting', async () => {
    const began = gate();
    const go = gate();
    const leaving = await worker([
      work(
        async () => {
          began.pass();
          await go.passed;
          return { done: true };
        },
        { leaseMs: 60_000 },
      ),
    ]);
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
    await worker([
      work(async (claim) => {
        seen.push(claim.operation.progress);
        if (claim.operation.progress) return { done: true };
        await claim.note({ pushed: 3 });
        return { again: { afterMs: 0, reason: 'x' } };
      }),
    ]);
    await oweOne();
    await ended();
    expect(seen).toEqual([null, { pushed: 3 }]);
  });
});

describe('the metrics', () => {
  it('count what there is and what became of it', async () => {
    const { registry } = await worker([work(async () => ({ done: true }))]);
    await oweOne({ key: 'later', notBefore: new Date(Date.now() + 3_600_000) });
    await oweOne();
    await ended();
    await eventually(async () =>
      expect(await registry.metrics()).toContain('slipway_operation_attempts_total{kind="build",outcome="done"} 1'),
    );
    const text = await registry.metrics();
    expect(text).toContain('slipway_operations{kind="build",state="waiting"} 1');
    expect(text).toContain('slipway_operation_age_seconds{kind="build"} 0');
  });
});
