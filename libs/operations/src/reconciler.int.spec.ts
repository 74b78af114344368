import { Database } from '@slipway/postgres';
import { aDatabase, eventually, TcpProxy, type TestDatabase } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reconciler } from './index.js';

let test: TestDatabase;
beforeAll(async () => {
  test = await aDatabase();
});
afterAll(() => test.drop());

const connect = (url = test.url) => Database.connect({ url, schema: 'slipway_shop', applicationName: 'reconciler' });

function reconciler(database: Database, run: (signal: AbortSignal) => Promise<void>, inEveryReplica = false): Reconciler {
  const made = new Reconciler({
    database,
    reconciliations: [{ name: 'rows', everySeconds: 0.05, inEveryReplica, run }],
    registry: new Registry(),
    logger: pino({ level: 'silent' }),
    retryMs: 50,
  });
  made.start();
  return made;
}

describe('reconcilers', () => {
  it('run in one replica at a time, again after an error, and elsewhere when that replica stops', async () => {
    const [a, b] = [await connect(), await connect()];
    const runs = { a: 0, b: 0 };
    const first = reconciler(a, async () => {
      if (++runs.a === 1) throw new Error('the target is away');
    });
    await eventually(() => expect(runs.a).toBeGreaterThan(2));
    const second = reconciler(b, async () => void runs.b++);
    const before = runs.a;
    await eventually(() => expect(runs.a).toBeGreaterThan(before + 2));
    expect(runs.b).toBe(0);
    await first.stop(1_000);
    const stoppedAt = runs.a;
    await eventually(() => expect(runs.b).toBeGreaterThan(2));
    expect(runs.a).toBe(stoppedAt);
    await second.stop(1_000);
    await Promise.all([a.close(), b.close()]);
  });

  it('run in every replica where each has something of its own', async () => {
    const database = await connect();
    const runs = { a: 0, b: 0 };
    const each = [reconciler(database, async () => void runs.a++, true), reconciler(database, async () => void runs.b++, true)];
    await eventually(() => runs.a > 2 && runs.b > 2);
    await Promise.all(each.map((one) => one.stop(1_000)));
    await database.close();
  });

  it('are told to stop when the lock is lost, and another takes over', async () => {
    const { proxy, through } = await TcpProxy.before(test.url);
    const [a, b] = [await connect(through), await connect()];
    let told = false;
    let running = false;
    const first = reconciler(a, async (signal) => {
      running = true;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      told = true;
    });
    await eventually(() => running);
    proxy.refuse();
    let taken = false;
    const second = reconciler(b, async () => {
      taken = true;
    });
    await eventually(() => expect([told, taken]).toEqual([true, true]));
    await Promise.all([first.stop(1_000), second.stop(1_000)]);
    await Promise.all([a.close(), b.close()]);
    await proxy.close();
  });
});
