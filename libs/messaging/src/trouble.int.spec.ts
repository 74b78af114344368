import { randomUUID } from 'node:crypto';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotYet, Unhandleable } from './failures.js';
import { type Orders, serve, takingOrders } from './orders.contract.js';

let { scene, builder, served, handled, orders, order, times, handoffs } = {} as Orders;

beforeAll(async () => {
  ({ scene, builder, served, handled, orders, order, times, handoffs } = await takingOrders());
}, 60_000);
afterAll(() => scene.demolish(), 60_000);

const deadLetter = async (id: string) => (await builder.messaging.deadLetters.list({ limit: 500 })).find((letter) => letter.eventId === id);

describe('a handler in trouble', () => {
  it.each([
    ['a TypeError', () => (undefined as unknown as { x: { y: 1 } }).x.y],
    ['a RangeError', () => new Array(-1)],
    ['a SyntaxError', () => JSON.parse('{')],
    [
      'a string',
      () => {
        throw 'text';
      },
    ],
    ['nothing at all', () => Promise.reject(undefined)],
  ])('that throws %s is tried three times, then the event is a dead letter and the consumer lives', async (name, fail) => {
    let tries = 0;
    orders.set(name, async () => {
      tries++;
      await fail();
    });
    const subject = randomUUID();
    const id = await order(name, subject);
    const next = await order('after it', subject);
    await eventually(() => times(next) === 1);
    expect(tries).toBe(3);
    expect(await deadLetter(id)).toMatchObject({ reason: 'handler-failed', tries: 3, source: 'source-watcher' });
    await eventually(async () => (await handoffs(id)).length === 0);
    expect(builder.died).toEqual([]);
  });

  it('that hangs is given up', async () => {
    orders.set('hang', () => new Promise(() => undefined));
    const id = await order('hang');
    await eventually(async () => (await deadLetter(id)) !== undefined, { within: 15_000 });
    expect((await deadLetter(id))?.detail).toContain('took longer than');
  });

  it('that says an event can never be handled is not asked again', async () => {
    let tries = 0;
    orders.set('never', async () => {
      tries++;
      throw new Unhandleable('not like this');
    });
    const id = await order('never');
    await eventually(async () => (await deadLetter(id)) !== undefined);
    expect(tries).toBe(1);
  });

  it('that the database fails for a while keeps the event, in its place', async () => {
    let tries = 0;
    orders.set('transient', async (event, unit) => {
      if (++tries < 6) throw Object.assign(new Error('the database is restarting'), { code: '57P03' });
      await serve(event, unit);
    });
    const subject = randomUUID();
    const [id, next] = [await order('transient', subject), await order('next', subject)];
    await eventually(() => times(next) === 1, { within: 15_000 });
    expect(handled.findIndex((event) => event.id === id)).toBeLessThan(handled.findIndex((event) => event.id === next));
    expect(await deadLetter(id)).toBeUndefined();
  });

  it('that is asked too early gets the event again after the one it waits for', async () => {
    const subject = randomUUID();
    orders.set('second', async (event) => {
      if (!handled.some((other) => other.subject === event.subject && other.data !== event.data))
        throw new NotYet(`${event.subject} is unknown`);
    });
    const second = await order('second', subject);
    await eventually(async () => (await handoffs(second)).length === 0);
    expect(times(second)).toBe(0);
    const first = await order('first', subject);
    await eventually(() => times(second) === 1);
    expect([times(first), times(second)]).toEqual([1, 1]);
    expect(await scene.rows('image-builder', 'select 1 from $schema.parked where event_id = $1', [second])).toEqual([]);
  });
});

describe('dead letters', () => {
  it('are listed, shown and replayed once, when the handler is mended', async () => {
    let broken = true;
    orders.set('mended', async (event, unit) => {
      if (broken) throw new TypeError('bug');
      await serve(event, unit);
    });
    const id = await order('mended');
    const letter = await eventually(async () => (await deadLetter(id)) ?? false);
    expect((await builder.messaging.deadLetters.show(letter.id))?.record.value?.toString()).toContain('mended');
    expect(await builder.messaging.deadLetters.replay(letter.id, 'anna')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('bug'),
    });
    broken = false;
    expect(await builder.messaging.deadLetters.replay(letter.id, 'anna')).toEqual({ ok: true });
    expect(await builder.messaging.deadLetters.replay(letter.id, 'anna')).toMatchObject({ ok: false });
    await eventually(() => served.some((event) => event.causationId === id && event.data));
    expect(times(id)).toBe(1);
    expect((await builder.messaging.deadLetters.show(letter.id))?.letter).toMatchObject({ resolution: 'replayed', resolvedBy: 'anna' });
  });

  it('are discarded with a reason', async () => {
    orders.set('discard', async () => {
      throw new Unhandleable('no');
    });
    const id = await order('discard');
    const letter = await eventually(async () => (await deadLetter(id)) ?? false);
    expect(await builder.messaging.deadLetters.discard(letter.id, 'anna', 'a test')).toEqual({ ok: true });
    expect(await builder.messaging.deadLetters.discard(letter.id, 'anna', 'again')).toMatchObject({ ok: false });
    expect(await deadLetter(id)).toBeUndefined();
  });

  it('are announced on their topic', async () => {
    const letters = (await scene.read('dead-letters')).map(
      (record) => JSON.parse(String(record.value)) as { service: string; reason: string; bytes?: number; excerpt?: string },
    );
    const failed = letters.find(({ service, reason }) => service === 'image-builder' && reason.startsWith('handler-failed: TypeError'));
    // As it was signed; what nobody signed is only counted, for it may hold anything.
    expect(JSON.parse(failed?.excerpt ?? '')).toHaveProperty('what');
    for (const { reason, bytes, excerpt } of letters.filter((letter) => letter.reason.startsWith('bad-signature')))
      expect([reason, bytes, excerpt]).toEqual([reason, expect.any(Number), undefined]);
  });
});
