import { randomUUID } from 'node:crypto';
import { defineEvent } from '@slipway/contracts';
import { Database, schemaOf } from '@slipway/postgres';
import { aDatabase, eventually, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { messagingMigrations } from './migrations/index.js';
import type { Handler, Received } from './received.js';
import { messagingPrunings } from './retention.js';
import { hearing, Ordered, quick, Served, type TestService, TwoServices, testCatalog } from './two-services.contract.js';

const keeping = { outboxDays: 15, deadLettersDays: 90 };

/** One pass over one database, in batches as small as asked for. Returns how many rows went, by table. */
async function prune(database: Database, limit = 1_000): Promise<Record<string, number>> {
  const gone: Record<string, number> = {};
  for (const pruning of messagingPrunings(keeping)) {
    for (let batch = 0; batch < 50; batch++) {
      const some = await pruning.some(database, limit);
      gone[pruning.table] = (gone[pruning.table] ?? 0) + some.gone;
      if (!some.more) break;
    }
  }
  return gone;
}

describe('what was forgotten', () => {
  /** State of something, on a compacted topic. */
  const Stated = defineEvent({
    name: 'test.stated',
    writer: 'gateway',
    topic: 'projects',
    about: 'project',
    actedOnBy: ['image-builder'],
    data: z.object({ what: z.string() }),
  });
  const catalog = [...testCatalog, Stated];
  /** Everything may have been forgotten: a test can't wait for a day. */
  const timing = { ...quick, unforgettableMs: 0 };
  const handled: Received[] = [];
  const serving: Handler<typeof Ordered> = {
    async handle(event, unit) {
      unit.publish(Served, { subject: event.subject, data: { what: event.data.what } });
      unit.tx.afterCommit(() => handled.push(event));
    },
  };
  let scene: TwoServices;
  let watcher: TestService;
  let gateway: TestService;
  let builder: TestService;

  async function start(): Promise<TestService> {
    const made = await scene.replica('image-builder', { catalog, timing });
    const stating: Handler = { handle: async (event, unit) => unit.tx.afterCommit(() => handled.push(event)) };
    await made.messaging.start(
      new Map<typeof Ordered | typeof Stated, Handler>([
        [Ordered, serving as Handler],
        [Stated, stating],
      ]),
    );
    return made;
  }

  beforeAll(async () => {
    scene = await TwoServices.build();
    watcher = await scene.replica('source-watcher');
    gateway = await scene.replica('gateway', { catalog });
    await Promise.all([watcher.messaging.start(hearing([], Served)), gateway.messaging.start()]);
    builder = await start();
  }, 60_000);
  afterAll(() => scene.demolish(), 60_000);

  const order = (what: string) =>
    watcher.messaging.transact(async (unit) => unit.publish(Ordered, { subject: randomUUID(), data: { what } }));
  const state = (subject: string, what: string) =>
    gateway.messaging.transact(async (unit) => unit.publish(Stated, { subject, data: { what } }));
  const times = (id: string) => handled.filter((event) => event.id === id).length;
  const owed = async (by: TestService) => (await by.database.query('select * from handoff')).length;
  const letters = async (id: string) => (await builder.messaging.deadLetters.list()).filter(({ eventId }) => eventId === id);
  const settled = async (id: string) => {
    await eventually(() => times(id) === 1);
    await eventually(async () => (await owed(watcher)) + (await owed(gateway)) === 0);
  };
  const age = () => builder.database.query("update inbox set kept_until = now() - interval '1 minute' where kept_until is not null");
  const sayAgain = (id: string) =>
    watcher.database.query("insert into handoff (event_id, service, next_at) values ($1, 'image-builder', now())", [id]);

  it('is not handled a second time when its sender says it again, and its sender gets an answer', async () => {
    const id = await order('forgotten');
    await settled(id);
    await age();
    expect((await prune(builder.database))['inbox']).toBeGreaterThan(0);
    await builder.database.query('delete from outbox where published_at is not null');
    await sayAgain(id);
    await eventually(async () => (await letters(id)).length === 1);
    expect((await letters(id))[0]).toMatchObject({ reason: 'forgotten', detail: expect.stringContaining('look whether it was handled') });
    await eventually(async () => (await owed(watcher)) === 0);
    // Said once more it gets the recorded answer, and makes no second dead letter.
    await sayAgain(id);
    await eventually(async () => (await owed(watcher)) === 0);
    expect(await letters(id)).toHaveLength(1);
    expect(times(id)).toBe(1);
  }, 30_000);

  it('is known from what was never seen, however long that took to come', async () => {
    const before = await order('before');
    await settled(before);
    await scene.stop(builder);
    const during = await order('while nobody was there');
    builder = await start();
    await age();
    await prune(builder.database);
    await settled(during);
    const after = await order('after');
    await settled(after);
    expect([times(during), times(after)]).toEqual([1, 1]);
  }, 30_000);

  it('is not handled a second time when the group lost its offsets and everything is read again', async () => {
    const [forgotten, remembered] = [await order('forgotten'), 'to come'];
    await settled(forgotten);
    await age();
    await prune(builder.database);
    const known = await order(remembered);
    await settled(known);
    await scene.stop(builder);
    await eventually(async () => {
      await scene.admin.deleteGroups([`${scene.prefix}image-builder`]);
      return true;
    });
    builder = await start();
    await eventually(async () => (await letters(forgotten)).length === 1, { within: 20_000 });
    expect([times(forgotten), times(known)]).toEqual([1, 1]);
    expect(await letters(known)).toEqual([]);
  }, 60_000);

  it('of a compacted topic is overtaken, and the newest of each key is kept for ever', async () => {
    const [shop, blog] = [randomUUID(), randomUUID()];
    const ids = [await state(shop, 'old'), await state(shop, 'new'), await state(blog, 'only')];
    for (const id of ids) await settled(id);
    await age();
    expect(await prune(builder.database, 1)).toMatchObject({ inbox: expect.any(Number) });
    const rows = 'select event_id, kept_until from inbox where subject = any($1) order by said_at';
    const kept = ids.slice(1).map((event_id) => ({ event_id, kept_until: null }));
    expect(await builder.database.query(rows, [[shop, blog]])).toEqual(kept);
    const before = (await builder.messaging.deadLetters.list()).length;
    await builder.database.query('delete from stored_offset where topic = $1', [`${scene.prefix}projects`]);
    await scene.stop(builder);
    builder = await start();
    const newer = await state(shop, 'newest');
    const other = await state(randomUUID(), 'another');
    await settled(newer);
    await settled(other);
    expect(ids.map(times)).toEqual([1, 1, 1]);
    expect(await builder.messaging.deadLetters.list()).toHaveLength(before);
    // When the newest is old as well, the one it overtook goes.
    await age();
    await prune(builder.database);
    expect(await builder.database.query(rows, [[shop]])).toEqual([{ event_id: newer, kept_until: null }]);
  }, 60_000);

  it('of a compacted topic is handled where nothing of its key was ever seen, however old it is', async () => {
    await builder.database.query(`update forgotten set until = now() + interval '1 hour'`);
    const id = await state(randomUUID(), 'old, and new here');
    await settled(id);
    const lost = await order('cannot be told from a forgotten one');
    await eventually(async () => (await letters(lost)).length === 1);
    expect(times(lost)).toBe(0);
    await builder.database.query('delete from forgotten');
  }, 30_000);

  it('is not handled a second time where it comes while it is being forgotten', async () => {
    const id = await order('in the very moment');
    await settled(id);
    await builder.database.transaction(async (tx) => {
      const [row] = await tx.query<{ said_at: Date }>('delete from inbox where event_id = $1 returning said_at', [id]);
      await sayAgain(id);
      // The handler of the repetition waits for our row.
      await eventually(async () => {
        const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
        return (await scene.postgres.query(waiting)).length > 0;
      });
      await tx.query('insert into forgotten (until) values ($1)', [row?.said_at]);
    });
    await eventually(async () => (await letters(id)).length === 1);
    expect(times(id)).toBe(1);
  }, 30_000);
});

describe('forgetting', () => {
  let postgres: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    postgres = await aDatabase();
    database = await Database.connect({ url: postgres.url, schema: schemaOf('approval'), applicationName: 'retention' });
    await database.migrate(messagingMigrations, 'messaging');
  });
  afterAll(async () => {
    await database.close();
    await postgres.drop();
  });

  const ids = async (table: string) =>
    (await database.query<{ id: string }>(`select event_id as id from ${table} order by 1`)).map(({ id }) => id);

  it('leaves the inbox row of what is parked or a dead letter nobody dealt with', async () => {
    await database.query(`insert into inbox (source, event_id, digest, kept_until, said_at)
      select 'gateway', id, '', now() - interval '1 day', now() - interval '31 days' from unnest('{done,parked,dead}'::text[]) as id`);
    await database.query(`insert into parked (source, event_id, type, subject, reason, detail, record)
      values ('gateway', 'parked', 't', 's', 'newer-version', '', '{}')`);
    await database.query(deadLetters('1', { at: '400 days', source: "'gateway'", event: "'dead'" }));
    expect(await prune(database)).toEqual({ inbox: 1, outbox: 0, dead_letter: 0 });
    expect(await ids('inbox')).toEqual(['dead', 'parked']);
    const [{ age } = { age: 0 }] = await database.query<{ age: number }>(
      'select extract(epoch from now() - until)::float8 / 86400 as age from forgotten',
    );
    expect(age).toBeCloseTo(31, 1);
    await database.query('truncate inbox, parked, dead_letter, forgotten');
  });

  it('takes the time of seeing, less what it was kept, for that of a row of an earlier version', async () => {
    await database.query(
      `insert into inbox (source, event_id, digest, kept_until) values ('gateway', 'old', '', now() - interval '1 day')`,
    );
    expect(await prune(database)).toMatchObject({ inbox: 1 });
    expect(
      await database.query(`select 1 from forgotten where until between now() - interval '32 days' and now() - interval '30 days'`),
    ).toHaveLength(1);
  });

  it('goes past what is owed in the outbox, however little it may look at, and keeps what is young or not yet published', async () => {
    const said = (names: string, published: string, created = '20 days') =>
      database.query(`insert into outbox (event_id, topic, key, shard, headers, value, created_at, published_at)
        select id, 't', 'k', 0, '{}', '{}', now() - interval '${created}', ${published} from unnest('{${names}}'::text[]) as id`);
    await said('owed1,owed2,owed3,old1', `now() - interval '19 days'`);
    await said('waits', 'null');
    await said('again', 'now()'); // old, but said again a moment ago
    await said('old2', `now() - interval '16 days'`);
    await said('young1,young2', 'now()', '1 day');
    await database.query(
      `insert into handoff (event_id, service, next_at) select 'owed' || n, 'gateway', 'infinity' from generate_series(1, 3) n`,
    );
    expect(await prune(database, 2)).toMatchObject({ outbox: 2 });
    expect(await ids('outbox')).toEqual(['again', 'owed1', 'owed2', 'owed3', 'waits', 'young1', 'young2']);
    await database.query('delete from handoff');
    expect(await prune(database, 2)).toMatchObject({ outbox: 3 });
  });

  it('keeps a dead letter of ours until somebody deals with it, and those of nobody for a time and up to a number', async () => {
    await database.query(deadLetters('1', { at: '400 days', source: "'gateway'", event: "'ours'" }));
    await database.query(deadLetters('2', { at: '91 days' }));
    await database.query(deadLetters('3', { at: '91 days', source: "'outside:x'" }));
    await database.query(deadLetters('4', { at: '400 days', source: "'gateway'", resolved: "now() - interval '91 days'" }));
    await database.query(deadLetters('5', { at: '400 days', source: "'gateway'", resolved: 'now()' }));
    expect(await prune(database)).toMatchObject({ dead_letter: 3 });
    expect((await database.query<{ offset: string }>('select "offset" from dead_letter order by 1')).map((row) => row.offset)).toEqual([
      '1',
      '5',
    ]);
    await database.query(deadLetters('n', { at: '1 day', rows: 'generate_series(100, 5105) as n' }));
    expect(await prune(database)).toMatchObject({ dead_letter: 6 });
  });
});

/** A statement that makes dead letters; at `offset`, which may name a column of `rows`. */
function deadLetters(offset: string, of: { at: string; source?: string; event?: string; resolved?: string; rows?: string }): string {
  const { at, source = 'null', event = 'null', resolved = 'null', rows = 'generate_series(1, 1)' } = of;
  return `insert into dead_letter (id, topic, "partition", "offset", digest, source, event_id, reason, detail, tries, record, cut, at, resolved_at)
    select gen_random_uuid(), 't', 0, ${offset}, '', ${source}, ${event}, 'empty', '', 0, '{}', false, now() - interval '${at}', ${resolved} from ${rows}`;
}
