import { eventually } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Claim, cancel, type Outcome, PartUnavailable } from './index.js';
import { db, ended, gate, oweOne, row, said, withOperations, work, worker } from './worker.fixture.js';

withOperations();

const release = '01900000-0000-7000-8000-000000000001';
const registryAway = { again: { afterMs: 50, reason: 'connection refused', away: { part: 'registry', environment: 'test' } } };
/** Owes one, for a release, to a worker that says an absence at once. */
async function worked(run: (claim: Claim) => Promise<Outcome>, sayAwayAfterMs = 0) {
  const made = await worker([work(run)], db, 300, { sayAwayAfterMs });
  await oweOne({ cause: { correlationId: release } });
  return made;
}

describe('a part that does not answer', () => {
  it('is said once, however often it is tried, and once more when it answers', async () => {
    let tries = 0;
    await worked(async () => (++tries < 5 ? registryAway : { done: true }));
    await ended();
    expect(said).toEqual([
      {
        name: 'part.away',
        data: { release, environment: 'test', part: 'registry', since: expect.any(String), reason: 'connection refused' },
      },
      { name: 'part.back', data: { release, environment: 'test', part: 'registry', afterSeconds: expect.any(Number) } },
    ]);
    expect(await row()).toMatchObject({ away: null });
  });

  it('is said of a work that errors because of it, and not of one that errors for another reason', async () => {
    let tries = 0;
    await worked(async () => {
      if (++tries === 1) throw new Error('a bug');
      if (tries === 2) throw new PartUnavailable('docker-engine', 'no such socket');
      return { done: true };
    });
    await ended();
    expect(said.map(({ name }) => name)).toEqual(['part.away', 'part.back']);
    expect(said[0]?.data).toMatchObject({ part: 'docker-engine', environment: null, reason: 'no such socket' });
  });

  it('is not said when it was but for a moment', async () => {
    let tries = 0;
    await worked(async () => (++tries < 4 ? registryAway : { done: true }), 60_000);
    await ended();
    expect(tries).toBe(4);
    expect(said).toEqual([]);
  });

  it('is said at the first try that waited for it long enough', async () => {
    await worked(
      async () => ({ again: { ...registryAway.again, away: { ...registryAway.again.away, forMs: 15_000 }, afterMs: 60_000 } }),
      10_000,
    );
    await eventually(async () => expect(said).toMatchObject([{ name: 'part.away', data: { part: 'registry' } }]));
  });

  it('is not said by a worker that was overtaken meanwhile', async () => {
    let tries = 0;
    await worked(async () => {
      if (++tries > 1) return { done: true };
      await db.query('update operation set epoch = epoch + 1'); // as whoever takes over does
      return registryAway;
    });
    await ended();
    expect(said).toEqual([]);
  });

  it('is said anew when it is another', async () => {
    const parts = ['target', 'target', 'registry'];
    await worked(async () => {
      const part = parts.shift();
      return part ? { again: { afterMs: 0, reason: 'away', away: { part, environment: 'test' } } } : { done: true };
    });
    await ended();
    expect(said.map(({ name, data }) => `${name} ${(data as { part: string }).part}`)).toEqual([
      'part.away target',
      'part.away registry',
      'part.back registry',
    ]);
  });

  it('is back as soon as it answers, while the work goes on', async () => {
    const [answered, go] = [gate(), gate()];
    let tries = 0;
    await worked(async (claim) => {
      if (++tries === 1) return registryAway;
      claim.answers('target');
      claim.answers('registry');
      claim.answers('registry');
      answered.pass();
      await go.passed;
      return { done: true };
    });
    await answered.passed;
    await eventually(async () => expect(said.map(({ name }) => name)).toEqual(['part.away', 'part.back']));
    go.pass();
    await ended();
    expect(said).toHaveLength(2);
  });

  it('is waited for no longer when the work is called off', async () => {
    await worked(async () => ({ again: { ...registryAway.again, afterMs: 60_000 } }));
    await eventually(async () => expect(said).toHaveLength(1));
    await db.transaction((tx) => cancel(tx, 'build', 'shop/1', 'withdrawn'));
    await eventually(async () => expect(said.map(({ name }) => name)).toEqual(['part.away', 'part.back']));
  });

  it('is measured, also where the work belongs to no release', async () => {
    const { registry } = await worker([work(async () => ({ again: { ...registryAway.again, afterMs: 60_000 } }))]);
    await oweOne();
    await eventually(async () => expect(await row()).toMatchObject({ away: { part: 'registry', said: false } }));
    await db.query(`update operation set away = jsonb_set(away, '{since}', to_jsonb(now() - interval '11 minutes'))`);
    await eventually(async () => expect(await registry.metrics()).toMatch(/slipway_part_away_seconds\{part="registry"\} 66\d/), {
      within: 10_000,
    });
    expect(said).toEqual([]);
  });
});
