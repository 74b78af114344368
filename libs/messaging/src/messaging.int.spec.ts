import { randomUUID } from 'node:crypto';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Orders, takingOrders } from './orders.contract.js';
import type { Handler, Received } from './received.js';
import { Ordered, Posted, Served, Told } from './two-services.contract.js';

let { scene, watcher, builder, served, handled, order, times, handoffs } = {} as Orders;

beforeAll(async () => {
  ({ scene, watcher, builder, served, handled, order, times, handoffs } = await takingOrders());
}, 60_000);
afterAll(() => scene.demolish(), 60_000);

describe('two services', () => {
  it('hear each other, and know what led to what', async () => {
    const id = await order('hello');
    const answer = await eventually(() => served.find((event) => event.causationId === id) ?? false);
    const heard = handled.find((event) => event.id === id) as Received;
    expect(answer).toMatchObject({ correlationId: 'rel', source: 'image-builder', sequence: 1, data: { what: 'hello' } });
    expect(answer.traceparent?.slice(0, 36)).toBe(heard.traceparent?.slice(0, 36));
    await eventually(async () => (await handoffs(id)).length === 0);
  });

  it('say nothing when the transaction fails', async () => {
    const subject = randomUUID();
    await expect(
      watcher.messaging.transact(async (unit) => {
        unit.publish(Told, { subject, data: { what: 'never' } });
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await scene.rows('source-watcher', 'select 1 from $schema.outbox where key = $1', [subject])).toEqual([]);
  });

  it('number and keep the order of what is said about one subject, however many say it at once', async () => {
    const subject = randomUUID();
    const tell = (what: string) => watcher.messaging.transact(async (unit) => unit.publish(Told, { subject, data: { what } }));
    for (let round = 0; round < 10; round++) await Promise.all([tell('a'), tell('b'), tell('c')]);
    const heard = await eventually(() => {
      const mine = handled.filter((event) => event.subject === subject);
      return mine.length === 30 ? mine : false;
    });
    expect(heard.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
  });

  it('refuse to say what does not fit its contract, is not theirs, or is too large', async () => {
    const say = (fn: Parameters<typeof watcher.messaging.transact>[0]) => watcher.messaging.transact(fn);
    await expect(say(async (unit) => unit.publish(Told, { subject: 's', data: { what: 1 as unknown as string } }))).rejects.toThrow(
      /test\.told.*what/s,
    );
    await expect(say(async (unit) => unit.publish(Served, { subject: 's', data: { what: 'x' } }))).rejects.toThrow('only image-builder');
    await expect(say(async (unit) => unit.publish(Told, { subject: 's', data: { what: 'x'.repeat(900_000) } }))).rejects.toThrow(
      'below 900000',
    );
  });
});

describe('an event that comes again', () => {
  it('has one effect, however often it comes', async () => {
    const id = await order('once');
    await eventually(() => times(id) === 1);
    const [row] = await scene.rows<{ headers: Record<string, string>; value: string; key: string }>(
      'source-watcher',
      'select * from $schema.outbox where event_id = $1',
      [id],
    );
    if (!row) throw new Error('no row');
    await scene.forge(
      Array.from({ length: 50 }, () => ({ topic: 'commits', key: row.key, value: Buffer.from(row.value), headers: row.headers })),
    );
    const after = await order('after', row.key);
    await eventually(() => times(after) === 1);
    expect(times(id)).toBe(1);
    expect(served.filter((event) => event.causationId === id)).toHaveLength(1);
  });

  it('with the same id and other data is a dead letter and changes nothing', async () => {
    const id = await order('same id');
    // Until it is settled, a hand-off of this id is owed, and none can be owed twice; until it is marked, the relay wants to find it.
    const marked = () =>
      scene.rows('source-watcher', 'select 1 from $schema.outbox where event_id = $1 and published_at is not null', [id]);
    await eventually(async () => times(id) === 1 && (await handoffs(id)).length === 0 && (await marked()).length === 1);
    await watcher.messaging.transact(async (unit) => {
      await unit.tx.query('update outbox set event_id = event_id || $2 where event_id = $1', [id, '-before']);
      unit.publish(Ordered, { subject: 's', id, data: { what: 'other data' } });
    });
    await eventually(async () => (await builder.messaging.deadLetters.list()).some((letter) => letter.reason === 'same-id-other-data'));
    expect(times(id)).toBe(1);
  });
});

describe('what somebody writes who can only write to Kafka', () => {
  it('is buried, and the next event of that key is handled', async () => {
    const id = await order('genuine');
    await eventually(() => times(id) === 1);
    const [row] = await scene.rows<{ headers: Record<string, string>; value: string; key: string }>(
      'source-watcher',
      'select * from $schema.outbox where event_id = $1',
      [id],
    );
    if (!row) throw new Error('no row');
    const { ce_signature: _, ...unsigned } = row.headers;
    const value = Buffer.from(row.value);
    const forgeries = [
      { key: row.key, value, headers: { ...unsigned, ce_id: randomUUID() } },
      { key: row.key, value: Buffer.from('{"what":"altered"}'), headers: row.headers },
      { key: row.key, value, headers: { ...row.headers, ce_id: randomUUID() } },
      { key: row.key, value: null, headers: {} },
      { key: row.key, value: Buffer.from([0xff, 0xfe, 0xff]), headers: {} },
      { key: row.key, value: Buffer.alloc(990_000, 0x20), headers: row.headers },
    ];
    const before = (await builder.messaging.deadLetters.list({ limit: 500 })).length;
    await scene.forge(forgeries.map((forgery) => ({ topic: 'commits', ...forgery })));
    const after = await order('after the forgeries', row.key);
    await eventually(() => times(after) === 1);
    const all = await builder.messaging.deadLetters.list({ limit: 500 });
    const letters = all.slice(0, all.length - before);
    expect(letters.map(({ reason }) => reason).sort()).toEqual([
      'bad-signature',
      'bad-signature',
      'bad-signature',
      'not-an-event',
      'not-an-event',
      'too-large',
    ]);
    expect(handled.some((event) => JSON.stringify(event.data).includes('altered'))).toBe(false);
  });

  it('reaches the handler when it may come from outside, without a signature', async () => {
    const subject = randomUUID();
    await scene.forge([
      {
        topic: 'sign-offs',
        key: subject,
        value: Buffer.from('{"proof":"p"}'),
        headers: { ce_id: 'x', ce_source: 'ci', ce_type: Posted.type, ce_subject: subject },
      },
    ]);
    const heard = await eventually(() => handled.find((event) => event.subject === subject) ?? false);
    expect(heard.signature).toBeUndefined();
  });

  it('waits when it is newer than the code, genuine, and is handled after the upgrade', async () => {
    const newer = { ...Ordered, version: 2, type: 'slipway.test.ordered.v2', upcast: { 1: (data: unknown) => data } };
    const id = await watcher.messaging.transact(async (unit) =>
      unit.publish(newer, { subject: randomUUID(), data: { what: 'from the future' } }),
    );
    await eventually(
      async () =>
        (await scene.rows('image-builder', `select 1 from $schema.parked where event_id = $1 and reason = 'newer-version'`, [id]))
          .length === 1,
    );
    await eventually(async () => (await handoffs(id)).length === 0);
    await scene.stop(builder);
    builder = await scene.replica('image-builder', {});
    const upgraded: Handler<typeof Ordered> = { handle: async (event, unit) => void unit.tx.afterCommit(() => handled.push(event)) };
    await builder.messaging.start(new Map([[newer, upgraded]]));
    await eventually(() => times(id) === 1);
  });
});

describe('what Prometheus sees', () => {
  it('drains to zero', async () => {
    await eventually(async () => {
      const text = await watcher.registry.metrics();
      for (const zero of [/slipway_outbox_pending 0/, /slipway_handoffs_pending 0/, /slipway_consumer_lag\{topic="[^"]*builds"\} 0/])
        expect(text).toMatch(zero);
      return true;
    });
    expect(await watcher.registry.metrics()).toContain('slipway_event_hop_seconds_count{event="test.served"}');
    expect(watcher.messaging.health()).toMatchObject({ ready: true, reasons: [] });
  });
});
