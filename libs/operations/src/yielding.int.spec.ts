import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { db, doneAfter, oweOne, withOperations, work, worker, writeDone } from './worker.fixture.js';

withOperations();

/** A worker whose service is behind until it is told otherwise. */
async function behind(more: { yields?: 'first' | 'each' }) {
  const now = { behind: true };
  const begun: string[] = [];
  const made = await worker(
    [
      work(
        async (claim) => {
          begun.push(claim.operation.key);
          return doneAfter(await claim.complete(({ tx }) => writeDone(claim, tx)));
        },
        { concurrency: 50, ...more },
      ),
    ],
    db,
    300,
    { isBehind: async () => now.behind },
  );
  return { now, begun, made };
}
const owed = async (count: number, prefix: string) => {
  for (let number = 1; number <= count; number++) await oweOne({ key: `${prefix}/${number}` });
};
/** As a worker leaves it that waits for something after it began. */
const wasBegun = (key: string, state: 'ready' | 'running') =>
  db.query('update operation set epoch = 1, state = $2, due_at = now() where key = $1', [key, state]);

describe('work that yields', () => {
  it('is begun once a second while somebody is behind, and all of it when nobody is', async () => {
    await owed(20, 'shop');
    const { now, begun } = await behind({ yields: 'first' });
    const begunAt = performance.now();
    await eventually(() => begun.length >= 2, { within: 5_000 });
    expect(begun.length).toBeLessThanOrEqual(2 + (performance.now() - begunAt) / 1_000);
    now.behind = false;
    await eventually(() => begun.length === 20, { within: 5_000 });
  });

  it('goes on where it was begun, whoever is behind', async () => {
    await owed(20, 'new');
    await owed(20, 'begun');
    for (let number = 1; number <= 20; number++) await wasBegun(`begun/${number}`, number % 2 === 0 ? 'ready' : 'running');
    const { begun } = await behind({ yields: 'first' });
    await eventually(() => begun.filter((key) => key.startsWith('begun')).length === 20, { within: 3_000 });
    expect(begun.filter((key) => key.startsWith('new')).length).toBeLessThan(8);
  });

  it('waits at each turn where it says so, but not for what a dead owner left', async () => {
    await owed(20, 'poll');
    for (let number = 1; number <= 20; number++) await wasBegun(`poll/${number}`, number === 20 ? 'running' : 'ready');
    const { begun } = await behind({ yields: 'each' });
    await eventually(() => begun.includes('poll/20'), { within: 3_000 });
    expect(begun.length).toBeLessThan(8);
  });

  it('is not held up where it does not say that it yields', async () => {
    await owed(20, 'shop');
    const { begun } = await behind({});
    await eventually(() => begun.length === 20, { within: 3_000 });
  });
});
