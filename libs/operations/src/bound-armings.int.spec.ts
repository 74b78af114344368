import { expect, it } from 'vitest';
import { boundArmings } from './bound-armings.js';
import { arm, claimDue, take } from './claims.js';
import { db, oweOne, row, withOperations } from './worker.fixture.js';

withOperations();

const owner = '00000000-0000-4000-8000-000000000000';
const claim = async () => (await claimDue(db, { kind: 'build', limit: 1, owner, leaseMs: 60_000 }))[0];
const held = async () => {
  await oweOne();
  const claimed = (await claim()) as NonNullable<Awaited<ReturnType<typeof claim>>>;
  return { ...claimed, place: 'target shop/production' };
};
const placeArmedFor = async () =>
  (await db.query<{ s: number }>('select extract(epoch from armed_until - clock_timestamp())::float8 as s from place'))[0]?.s;

it('leaves alone what is armed for as long as a call may take', async () => {
  const one = await held();
  await take(db, one, one.place);
  await arm(db, one, 30_000);
  const { armed_until: before } = await row();
  expect(await boundArmings(db, 60_000)).toEqual([]);
  expect((await row())['armed_until']).toEqual(before);
});

it('lets nothing that a clock ahead of its time has armed stand still for longer than a call', async () => {
  const one = await held();
  await take(db, one, one.place);
  await arm(db, one, 30_000);
  await db.query("update operation set armed_until = now() + interval '2 days', due_at = now()");
  await db.query("update place set armed_until = now() + interval '2 days'");
  expect(await boundArmings(db, 300)).toEqual([expect.stringMatching(/^build /), one.place]);
  expect(await placeArmedFor()).toBeLessThan(0.5);
  // A call may be under way all the same: it is over by then.
  await expect.poll(claim, { interval: 20, timeout: 2_000 }).toMatchObject({ id: one.id, epoch: 2 });
  expect(await take(db, { id: one.id, epoch: 2 }, one.place)).toBe(true);
});
