import { randomUUID } from 'node:crypto';
import { Database, schemaOf } from '@slipway/postgres';
import { eventually, realParts, TcpProxy } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Handler, Received } from './received.js';
import { hearing, Ordered, Served, type TestService, Told, TwoServices } from './two-services.contract.js';

let scene: TwoServices;
let watcher: TestService;
let builder: TestService;
const served: Received[] = [];
const handled: Received[] = [];

const serving: Handler<typeof Ordered> = {
  async handle(event, unit) {
    unit.publish(Served, { subject: event.subject, data: { what: event.data.what } });
    unit.tx.afterCommit(() => handled.push(event));
  },
};

beforeAll(async () => {
  scene = await TwoServices.build();
  watcher = await scene.replica('source-watcher');
  builder = await scene.replica('image-builder');
  await Promise.all([watcher.messaging.start(hearing(served, Served)), builder.messaging.start(new Map([[Ordered, serving]]))]);
}, 60_000);
afterAll(() => scene.demolish(), 60_000);

const order = (what: string, by: TestService = watcher) =>
  by.messaging.transact(async (unit) => unit.publish(Ordered, { subject: randomUUID(), data: { what } }));
const times = (id: string) => handled.filter((event) => event.id === id).length;
const answers = (id: string) => new Set(served.filter((event) => event.causationId === id).map((event) => event.id)).size;
const owed = async () => (await scene.rows('source-watcher', 'select * from $schema.handoff')).length;

describe('a hand-off nobody answered', () => {
  it('is said again with the same id at growing intervals until it is', async () => {
    await scene.stop(builder);
    const id = await order('nobody there');
    const resends = async () =>
      (await scene.rows<{ resends: number }>('source-watcher', 'select resends from $schema.outbox where event_id = $1', [id]))[0]
        ?.resends ?? 0;
    await eventually(async () => (await resends()) >= 2);
    builder = await scene.replica('image-builder');
    await builder.messaging.start(new Map([[Ordered, serving]]));
    await eventually(async () => (await owed()) === 0);
    expect(times(id)).toBe(1);
    expect(answers(id)).toBe(1);
    const said = (await scene.read('commits')).filter((record) => record.headers['ce_id'] === id);
    expect(said[0]?.headers['ce_resend']).toBeUndefined();
    expect(said[1]?.headers['ce_resend']).toBe('1');
  });

  it('is answered from record when the event was handled before', async () => {
    const id = await order('answer lost');
    await eventually(() => answers(id) === 1);
    await eventually(async () => (await owed()) === 0);
    // As if the answer had never arrived.
    await scene.rows('source-watcher', `insert into $schema.handoff (event_id, service, next_at) values ($1, 'image-builder', now())`, [
      id,
    ]);
    await eventually(async () => (await owed()) === 0);
    expect(times(id)).toBe(1);
    const said = (await scene.read('builds')).filter((record) => record.headers['ce_causationid'] === id);
    expect(said.length).toBeGreaterThan(1);
    expect(new Set(said.map((record) => record.headers['ce_id'])).size).toBe(1);
  });

  it('is not settled by somebody who only says so', async () => {
    await scene.stop(builder);
    const id = await order('forged answer');
    await scene.forge([
      {
        topic: 'builds',
        key: 'k',
        value: Buffer.from('{}'),
        headers: { ce_type: 'slipway.event.noted.v1', ce_source: 'image-builder', ce_id: 'x', ce_causationid: id, ce_subject: 'k' },
      },
    ]);
    await order('another');
    builder = await scene.replica('image-builder');
    expect(await owed()).toBe(2);
    await builder.messaging.start(new Map([[Ordered, serving]]));
    await eventually(async () => (await owed()) === 0);
    expect(times(id)).toBe(1);
  });
});

describe('a crash', () => {
  it('between commit and publication loses nothing: the next replica publishes it', async () => {
    // Committed by a process that never got to publish: its relay was never started.
    const dying = await scene.replica('source-watcher');
    const id = await order('said and died', dying);
    await scene.stop(dying);
    await eventually(() => answers(id) === 1);
  });

  it('between publication and mark publishes twice, and has one effect', async () => {
    const id = await order('published, not marked');
    await eventually(() => answers(id) === 1);
    await scene.rows('source-watcher', 'update $schema.outbox set published_at = null where event_id = $1', [id]);
    await eventually(async () => (await scene.read('commits')).filter((record) => record.headers['ce_id'] === id).length > 1);
    const after = await order('after');
    await eventually(() => answers(after) === 1);
    expect([times(id), answers(id)]).toEqual([1, 1]);
  });
});

describe('something lost', () => {
  it('a topic deleted and made anew costs time only', async () => {
    await scene.stop(builder);
    const ids = await Promise.all(['one', 'two', 'three'].map((what) => order(what)));
    const pending = async () =>
      Number(
        (await scene.rows<{ n: string }>('source-watcher', 'select count(*) as n from $schema.outbox where published_at is null'))[0]?.n,
      );
    await eventually(async () => (await pending()) === 0);
    await scene.admin.deleteTopics({ topics: [`${scene.prefix}commits`] });
    await eventually(async () => !(await scene.admin.listTopics()).includes(`${scene.prefix}commits`));
    // As after a long life of the deleted one.
    const places = (change: string) =>
      scene.rows<{ next: string }>('image-builder', `${change} where topic = $1`, [`${scene.prefix}commits`]);
    await places('update $schema.stored_offset set next = 1000');
    builder = await scene.replica('image-builder');
    await builder.messaging.start(new Map([[Ordered, serving]]));
    await eventually(() => ids.every((id) => answers(id) === 1), { within: 20_000 });
    expect(ids.map(times)).toEqual([1, 1, 1]);
    await eventually(async () => (await owed()) === 0);
    // A place in a topic that is no more would hide what a database set back has forgotten.
    expect((await places('select next from $schema.stored_offset')).filter(({ next }) => next === '1000')).toEqual([]);
  }, 40_000);

  it('a database set back to before something was heard, and nothing said, costs time only: it is heard again', async () => {
    const heard: Received[] = [];
    const hears = new Map([[Ordered, serving], ...hearing(heard, Told)]);
    const tell = () => watcher.messaging.transact(async (unit) => unit.publish(Told, { subject: randomUUID(), data: { what: 'news' } }));
    const timesHeard = (id: string) => heard.filter((event) => event.id === id).length;
    await scene.stop(builder);
    builder = await scene.replica('image-builder');
    await builder.messaging.start(hears);
    const before = await tell();
    await eventually(() => timesHeard(before) === 1);
    await scene.stop(builder);
    const schema = schemaOf('image-builder');
    const tables = ['inbox', 'stored_offset', 'outbox', 'sequence'];
    for (const table of tables) await scene.postgres.query(`create table public.backup_${table} as select * from ${schema}.${table}`);
    builder = await scene.replica('image-builder');
    await builder.messaging.start(hears);
    const after = await tell();
    await eventually(() => timesHeard(after) === 1);
    await scene.stop(builder);
    for (const table of tables) {
      await scene.postgres.query(`truncate ${schema}.${table}`);
      await scene.postgres.query(`insert into ${schema}.${table} overriding system value select * from public.backup_${table}`);
    }
    builder = await scene.replica('image-builder');
    await builder.messaging.start(hears);
    // Nobody says anything new: it is found by the stored offset alone.
    await eventually(() => timesHeard(after) === 2, { within: 25_000 });
    expect(timesHeard(before)).toBe(1);
  }, 40_000);
});

describe('two replicas of a service', () => {
  it('share the work and do each thing once', async () => {
    const second = await scene.replica('image-builder');
    await second.messaging.start(new Map([[Ordered, serving]]));
    const ids = await Promise.all(Array.from({ length: 40 }, (_, at) => order(`shared ${at}`)));
    await eventually(() => ids.every((id) => answers(id) === 1), { within: 20_000 });
    expect(ids.map(times)).toEqual(ids.map(() => 1));
    await scene.stop(second);
  }, 40_000);

  it('relay for each other: when the owner of the shards loses its session, the other takes them', async () => {
    const second = await scene.replica('source-watcher');
    await second.messaging.start(hearing(served, Served));
    await eventually(() => watcher.messaging.health().relayedShards === 8);
    expect(second.messaging.health().relayedShards).toBe(0);
    // What the other one says is relayed by the owner.
    const early = await order('said by the second', second);
    await eventually(() => answers(early) === 1);
    await scene.postgres.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'source-watcher reserved' and datname = current_database()`,
    );
    await eventually(() => watcher.messaging.health().relayedShards + second.messaging.health().relayedShards === 8);
    const late = await order('after the change', second);
    await eventually(() => answers(late) === 1);
    await scene.stop(watcher);
    await eventually(() => second.messaging.health().relayedShards === 8);
    const last = await order('with one left', second);
    await eventually(() => answers(last) === 1);
    watcher = second;
  }, 40_000);
});

describe('parts that are away', () => {
  it('Kafka away for a while holds everything back and nothing up', async () => {
    const [host, port] = (realParts().kafkaBrokers[0] as string).split(':') as [string, string];
    const proxy = await TcpProxy.to({ host, port: Number(port) });
    await scene.stop(watcher);
    watcher = await scene.replica('source-watcher', { reach: { host: '127.0.0.1', port: proxy.port } });
    await watcher.messaging.start(hearing(served, Served));
    const before = await order('before');
    await eventually(() => answers(before) === 1);
    proxy.refuse();
    const ids = await Promise.all(Array.from({ length: 10 }, (_, at) => order(`while away ${at}`)));
    await eventually(() => !watcher.messaging.health().ready, { within: 15_000 });
    expect(await watcher.registry.metrics()).toMatch(/slipway_outbox_pending 1\d/);
    proxy.restore();
    await eventually(() => ids.every((id) => answers(id) === 1), { within: 10_000 });
    expect(watcher.died).toEqual([]);
    await eventually(() => watcher.messaging.health().ready);
    await scene.stop(watcher);
    await proxy.close();
    watcher = await scene.replica('source-watcher');
    await watcher.messaging.start(hearing(served, Served));
  }, 60_000);

  it('an unknown COMMIT is found out by doing it again with the same id', async () => {
    const { proxy, through } = await TcpProxy.before(scene.postgres.url);
    await scene.stop(builder);
    builder = await scene.replica('image-builder', { url: through });
    let cut = true;
    const once: Handler<typeof Ordered> = {
      async handle(event, unit) {
        await serving.handle(event, unit);
        await unit.tx.query('create table if not exists public.effects (event text)');
        await unit.tx.query('insert into public.effects values ($1)', [event.id]);
        if (cut) proxy.cutReplyTo(/commit/);
        cut = false;
      },
    };
    await builder.messaging.start(new Map([[Ordered, once]]));
    const id = await order('commit unknown');
    await eventually(() => answers(id) === 1);
    expect(await scene.postgres.query('select 1 from public.effects where event = $1', [id])).toHaveLength(1);
    await scene.stop(builder);
    await proxy.close();
  }, 40_000);
});

describe('the schema', () => {
  it('refuses a body no broker would take, whoever inserts it', async () => {
    const database = await Database.connect({ url: scene.postgres.url, schema: schemaOf('source-watcher'), applicationName: 'test' });
    const insert = database.query(
      `insert into outbox (event_id, topic, key, shard, headers, value) values ('large', 't', 'k', 0, '{}', $1)`,
      ['x'.repeat(900_000)],
    );
    await expect(insert).rejects.toThrow('outbox_value_check');
    await database.close();
  });
});
