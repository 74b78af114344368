import { aDatabase, eventually, TcpProxy, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from './index.js';

let test: TestDatabase;
let one: Database;
let two: Database;
let far: Database;
let proxy: TcpProxy;
let throughProxy: string;

beforeAll(async () => {
  test = await aDatabase();
  const before = await TcpProxy.before(test.url);
  ({ proxy, through: throughProxy } = before);
  const options = { url: test.url, schema: 'slipway_shop', applicationName: 'shop' };
  [one, two] = await Promise.all([Database.connect(options), Database.connect(options)]);
  far = await Database.connect({ ...options, url: before.through });
});
afterAll(async () => {
  await Promise.all([one.close(), two.close(), far.close()]);
  await proxy.close();
  await test.drop();
});

describe('an advisory lock', () => {
  it('is held by one replica at a time and handed over by release', async () => {
    const held = await one.locks.hold('relay');
    expect(held?.key).toBe('relay');
    expect(await two.locks.hold('relay')).toBeUndefined();
    expect(await one.locks.hold('relay')).toBeUndefined();
    await held?.release();
    expect(held?.signal.aborted).toBe(true);
    const next = await two.locks.hold('relay');
    expect(next).toBeDefined();
    await next?.release();
  });

  it('of one schema is none of another', async () => {
    const other = await Database.connect({ url: test.url, schema: 'slipway_other', applicationName: 'other' });
    const [mine, theirs] = [await one.locks.hold('relay'), await other.locks.hold('relay')];
    expect([mine, theirs].every((held) => held !== undefined)).toBe(true);
    await mine?.release();
    await other.close();
  });

  it('is lost with its session, which its holder is told, and another gets it', async () => {
    let lost = 0;
    const held = await far.locks.hold('relay', () => lost++);
    expect(await two.locks.hold('relay')).toBeUndefined();
    proxy.cut();
    await eventually(() => expect([lost, held?.signal.aborted]).toEqual([1, true]));
    const next = await eventually(async () => (await two.locks.hold('relay')) ?? false);
    await next.release();
    await eventually(async () => (await far.locks.hold('relay'))?.release().then(() => true) ?? false);
  });
});

describe('a statement on the reserved connection', () => {
  it('that is too late to be sent never is, and the session goes on being made for the next one', async () => {
    const slow = await Database.connect({ url: throughProxy, schema: 'slipway_shop', applicationName: 'slow' });
    await slow.query('create table written (by text)');
    proxy.pause();
    const making = slow.reserved.session();
    await expect(slow.reserved.query("insert into written values ('late')", [], 150)).rejects.toThrow('no answer within 150 ms');
    proxy.resume();
    await slow.reserved.query("insert into written values ('next')");
    expect(await slow.reserved.session()).toBe(await making);
    expect(await slow.query('select by from written')).toEqual([{ by: 'next' }]);
    await slow.close();
  });

  it('that was sent and not answered in time costs the session, for it may hold what nobody knows of', async () => {
    let lost = 0;
    const unlisten = one.reserved.onLost(() => lost++);
    await expect(one.reserved.query('select pg_sleep(5)', [], 150)).rejects.toThrow('no answer within 150 ms');
    expect(lost).toBe(1);
    expect(await one.reserved.query('select 1 as one')).toEqual([{ one: 1 }]);
    unlisten();
  });
});

describe('a notification', () => {
  it('reaches the other replica and this one after the commit, many as few', async () => {
    let here = 0;
    let there = 0;
    const ends = [one.listen('work', () => here++), two.listen('work', () => there++)];
    await eventually(() => expect([here, there]).toEqual([1, 1])); // once each for having just come
    await one.transaction(async (tx) => {
      for (let i = 0; i < 100; i++) tx.notify('work');
    });
    await eventually(() => expect([here, there]).toEqual([2, 2]));
    await one
      .transaction(async (tx) => {
        tx.notify('work');
        throw new Error('no');
      })
      .catch(() => undefined);
    two.notify('work');
    await eventually(() => expect([here, there]).toEqual([3, 3]));
    for (const end of ends) end();
  });

  it('is missed while the connection is gone, so a listener is called after it came back', async () => {
    let heard = 0;
    const end = far.listen('work', () => heard++);
    await eventually(() => expect(heard).toBe(1));
    proxy.refuse();
    one.notify('work');
    await eventually(() => proxy.refused > 0);
    expect(heard).toBe(1);
    proxy.restore();
    await eventually(() => expect(heard).toBe(2));
    one.notify('work');
    await eventually(() => expect(heard).toBe(3));
    end();
  });
});
