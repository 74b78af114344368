import { Database } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Handoffs } from './handoffs.js';
import { messagingMigrations } from './migrations/index.js';
import { Patience } from './patience.js';
import { usualTiming } from './timing.js';

let postgres: TestDatabase;
let database: Database;

beforeAll(async () => {
  postgres = await aDatabase();
  database = await Database.connect({ url: postgres.url, schema: 'slipway_source_watcher', applicationName: 'handoffs' });
  await database.migrate(messagingMigrations, 'messaging');
});
beforeEach(async () => {
  await database.query('truncate outbox, handoff');
});
afterAll(async () => {
  await database.close();
  await postgres.drop();
});

/** So many events that were said and published so long ago, in s, and not answered. */
async function owed(count: number, age: number, service = 'gateway'): Promise<void> {
  await database.query(
    `with said as (
       insert into outbox (event_id, topic, key, shard, headers, value, created_at, published_at)
       select $3::text || $4::text || ' ' || n, 't', 'k', 0, '{}', '{}', now() - make_interval(secs => $1::float8), now() - make_interval(secs => $1::float8)
       from generate_series(1, $2) as n returning event_id, created_at
     )
     insert into handoff (event_id, service, next_at, created_at) select event_id, $3::text, now() - interval '1 ms', created_at from said`,
    [age, count, service, age.toFixed()],
  );
}

describe('what nobody answered', () => {
  it('is said again after a while', async () => {
    await owed(3, 10);
    expect(await new Handoffs(database, usualTiming, new Patience(10_000)).sayAgain()).toBe(3);
    expect(await new Handoffs(database, usualTiming, new Patience(10_000)).sayAgain()).toBe(0);
  });

  it('is not said again to who is only behind, until it is older than what is answered now', async () => {
    await owed(3, 10);
    await owed(1, 40);
    await owed(2, 10, 'approval');
    const patience = new Patience(10_000);
    patience.heard('gateway', 30_000);
    expect(await new Handoffs(database, usualTiming, patience).sayAgain()).toBe(3);
  });

  it('is said to who is silent a little at a time, the oldest first', async () => {
    await owed(100, 10);
    await owed(100, 20);
    const handoffs = new Handoffs(database, usualTiming, new Patience(10_000));
    expect(await handoffs.sayAgain()).toBe(10);
    expect(await handoffs.sayAgain()).toBe(0);
    const again = await database.query<{ event_id: string }>('select event_id from outbox where resends = 1');
    expect(again.every(({ event_id }) => event_id.startsWith('gateway20 '))).toBe(true);
    await database.query('delete from handoff where tries > 0');
    expect(await handoffs.sayAgain()).toBe(20);
    await database.query('delete from handoff where tries > 0');
    expect(await handoffs.sayAgain()).toBe(40);
  });
});

describe('others', () => {
  it('are behind where those who answer owe as many as that', async () => {
    const patience = new Patience(10_000);
    const handoffs = new Handoffs(database, usualTiming, patience);
    await owed(64, 1);
    // Who answers nothing is away: nobody waits for him.
    expect(await handoffs.areBehind(64)).toBe(false);
    patience.heard('approval', 20);
    expect(await handoffs.areBehind(64)).toBe(false);
    patience.heard('gateway', 20);
    expect(await handoffs.areBehind(64)).toBe(true);
    expect(await handoffs.areBehind(65)).toBe(false);
  });
});
