import type { Database } from '@slipway/postgres';
import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { arm, claimDue, renew } from './claims.js';
import { showOwner } from './gone-owners.js';
import { connect, db, doneAfter, ended, gate, open, oweOne, row, withOperations, work, worker } from './worker.fixture.js';

withOperations();

const owner = '00000000-0000-4000-8000-000000000000';

/** An operation in the hands of a process that shows that it lives, under a lease of a minute. */
async function inTheHandsOfAnother() {
  const process = await connect();
  await showOwner(process, owner);
  await oweOne();
  const [held] = await claimDue(process, { kind: 'build', limit: 1, owner, leaseMs: 60_000 });
  return { process, held: held as NonNullable<typeof held> };
}

/** It is killed, and Postgres has noticed. */
async function killed(process: Database) {
  await process.close();
  await eventually(async () => expect(await db.locks.free([`worker ${owner}`])).toHaveLength(1));
}

/** A worker that starts now, and the epoch it works under once it does. */
async function next() {
  const began = gate<number>();
  await worker([work(async ({ operation }) => doneAfter(began.pass(operation.epoch)))]);
  return began.passed;
}

describe('what a process held that was killed', () => {
  it('is taken over by the next one that starts, however long its lease had been', async () => {
    const { process } = await inTheHandsOfAnother();
    await killed(process);
    expect(await next()).toBe(2);
    await ended();
  });

  it('is taken over at once where all that it armed was answered', async () => {
    const { process, held } = await inTheHandsOfAnother();
    const answered = (await arm(process, held, 12_000))?.arming as string;
    await renew(process, [{ ...held, answered }], 2_000);
    await killed(process);
    expect(await next()).toBe(2);
    await ended();
  });

  it('waits for what it had armed', async () => {
    const { process, held } = await inTheHandsOfAnother();
    await arm(process, held, 1_500);
    await db.query("update operation set due_at = now() + interval '500 ms'");
    const { armed_until } = await row();
    await killed(process);
    expect(await next()).toBe(2);
    expect(Date.now()).toBeGreaterThanOrEqual((armed_until as Date).getTime());
    await ended();
  });
});

it('what a worker of the version before holds, which shows nothing, is left to it', async () => {
  await oweOne();
  await claimDue(db, { kind: 'build', limit: 1, owner, leaseMs: 60_000 });
  await db.query('update operation set call_timeout_ms = 12000');
  await oweOne({ key: 'shop/2' });
  await next();
  await ended('shop/2');
  expect(await row()).toMatchObject({ state: 'running', epoch: 1, owner });
});

it('what a process holds that lives is left to it', async () => {
  const { process } = await inTheHandsOfAnother();
  open.push(() => process.close());
  await oweOne({ key: 'shop/2' });
  await next();
  await ended('shop/2');
  expect(await row()).toMatchObject({ state: 'running', epoch: 1, owner });
});
