import { aDatabase, eventually, TcpProxy, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CommitRefused, CommitUnknown, Database, isTransient, isUniqueViolation, NestedTransaction, type Tx } from './index.js';

let test: TestDatabase;
let db: Database;

beforeAll(async () => {
  test = await aDatabase();
  db = await Database.connect({ url: test.url, schema: 'slipway_shop', applicationName: 'shop', poolSize: 3 });
  await db.query('create table item (id int primary key, name text)');
});
beforeEach(() => db.query('truncate item'));
afterAll(async () => {
  await db.close();
  await test.drop();
});

const names = async () => (await db.query<{ name: string }>('select name from item order by id')).map(({ name }) => name);
const put = (tx: Tx, id: number, name: string) => tx.query('insert into item values ($1, $2)', [id, name]);

describe('a transaction', () => {
  it('keeps all of it, and returns rows whatever the statement is', async () => {
    const rows = await db.transaction(async (tx) => {
      await put(tx, 1, 'a');
      return await tx.query('update item set name = $1 returning id, name', ['b']);
    });
    expect(rows).toEqual([{ id: 1, name: 'b' }]);
    expect(await names()).toEqual(['b']);
  });

  it('keeps nothing of it after an error', async () => {
    const broken = db.transaction(async (tx) => {
      await put(tx, 1, 'a');
      throw new Error('no');
    });
    await expect(broken).rejects.toThrow('no');
    expect(await names()).toEqual([]);
  });

  it('says so when an error inside was swallowed, for Postgres keeps nothing then', async () => {
    const swallowed = db.transaction(async (tx) => {
      await put(tx, 1, 'a');
      await put(tx, 1, 'again').catch(() => undefined);
    });
    await expect(swallowed).rejects.toBeInstanceOf(CommitRefused);
  });

  it('has one time, that of the database', async () => {
    const [first, second] = await db.transaction(async (tx) => [await tx.now(), await tx.now()]);
    expect(first).toEqual(second);
    expect(first).toBeInstanceOf(Date);
  });

  it('takes many statements at once, and waits for those nobody waited for', async () => {
    await db.transaction(async (tx) => {
      await Promise.all([1, 2, 3, 4].map((id) => put(tx, id, 'a')));
      for (const id of [5, 6]) void put(tx, id, 'b');
    });
    expect(await names()).toEqual(['a', 'a', 'a', 'a', 'b', 'b']);
  });

  it('is useless once it is over', async () => {
    const kept = await db.transaction(async (tx) => tx);
    await expect(kept.query('select 1')).rejects.toThrow('is over');
  });

  it('refuses a second connection inside, which could lock the pool up', async () => {
    await expect(db.transaction(() => db.transaction(async () => 1))).rejects.toBeInstanceOf(NestedTransaction);
    await expect(db.transaction(() => db.query('select 1'))).rejects.toBeInstanceOf(NestedTransaction);
  });

  it('runs hooks after the commit, and none after a rollback', async () => {
    const seen: string[] = [];
    await db.transaction(async (tx) => tx.afterCommit(() => seen.push('kept')));
    await db
      .transaction(async (tx) => {
        tx.afterCommit(() => seen.push('dropped'));
        throw new Error('no');
      })
      .catch(() => undefined);
    expect(seen).toEqual(['kept']);
  });

  it('names a broken unique key, which is nothing that passes', async () => {
    const error = await db.transaction((tx) => put(tx, 1, 'a').then(() => put(tx, 1, 'b'))).catch((e: unknown) => e);
    expect(isUniqueViolation(error, 'item_pkey')).toBe(true);
    expect(isTransient(error)).toBe(false);
  });
});

describe('a transaction that Postgres undoes', () => {
  it('is run again after a deadlock', async () => {
    await db.query("insert into item values (1, ''), (2, '')");
    let both = 0;
    let release: () => void = () => undefined;
    const met = new Promise<void>((resolve) => (release = resolve));
    const cross = (from: number, to: number, mark: string) =>
      db.transaction(async (tx) => {
        await tx.query('update item set name = name || $2 where id = $1', [from, mark]);
        if (++both === 2) release();
        await met;
        await tx.query('update item set name = name || $2 where id = $1', [to, mark]);
      });
    await Promise.all([cross(1, 2, 'a'), cross(2, 1, 'b')]);
    expect(both).toBe(3); // one of them ran twice
    expect((await names()).map((name) => [...name].sort().join(''))).toEqual(['ab', 'ab']);
  });

  it.each([
    ['23514', 'a rule that is checked last', (error: unknown) => expect(error).toMatchObject({ code: '23514' })],
    ['53100', 'a disk without room', (error: unknown) => expect(error).toBeInstanceOf(CommitUnknown)],
    ['XX000', 'a server that is broken inside', (error: unknown) => expect(error).toBeInstanceOf(CommitUnknown)],
  ])('by %s at COMMIT, %s, is known to be undone only where the no was to the transaction itself', async (state, _, isSo) => {
    await db.query(`create or replace function refuse() returns trigger language plpgsql as $$ begin
      raise exception 'no' using errcode = '${state}'; end $$`);
    await db.query(
      'create constraint trigger refuse after insert on item deferrable initially deferred for each row execute function refuse()',
    );
    try {
      isSo(await db.transaction((tx) => put(tx, 9, 'late')).catch((e: unknown) => e));
    } finally {
      await db.query('drop trigger refuse on item');
    }
    await db.transaction((tx) => put(tx, 9, 'served again'));
  });

  it('is run again 5 times at most', async () => {
    let runs = 0;
    const cursed = db.transaction(async (tx) => {
      runs++;
      await tx.query("do $$ begin raise exception 'x' using errcode = '40001'; end $$");
    });
    await expect(cursed).rejects.toMatchObject({ code: '40001' });
    expect(runs).toBe(5);
  });
});

describe('a server that goes away', () => {
  it('fails the transaction it was in, keeps nothing, and serves the next one', async () => {
    const killed = db.transaction(async (tx) => {
      await put(tx, 1, 'a');
      const [{ pid }] = (await tx.query<{ pid: number }>('select pg_backend_pid() as pid')) as [{ pid: number }];
      await test.query('select pg_terminate_backend($1)', [pid]);
      await put(tx, 2, 'b');
    });
    const error = await killed.catch((e: unknown) => e);
    expect(isTransient(error)).toBe(true);
    expect(error).not.toBeInstanceOf(CommitUnknown);
    expect(await names()).toEqual([]);
  });

  it('never ends the process, with connections idle, busy, reserved and listening', async () => {
    await db.reserved.query('select 1');
    const heard: number[] = [];
    const end = db.listen('anything', () => heard.push(1));
    await eventually(() => expect(heard.length).toBeGreaterThan(0));
    const first = heard.length;
    for (let round = 0; round < 3; round++) {
      const busy = db.transaction((tx) => tx.query('select pg_sleep(5)')).catch((e: unknown) => e);
      await eventually(async () => {
        const [row] = await test.query<{ n: string }>(
          "select count(*) n from pg_stat_activity where query like '%pg_sleep(5)%' and pid <> pg_backend_pid()",
        );
        expect(row?.n).toBe('1');
      });
      await test.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      );
      expect(isTransient(await busy)).toBe(true);
      await eventually(() => db.query('select 1'));
      await eventually(() => db.reserved.query('select 1'));
    }
    await eventually(() => expect(heard.length).toBeGreaterThan(first)); // told anew after each reconnect
    end();
  });

  it('leaves a lost answer to COMMIT unknown, and what was committed is there', async () => {
    const { proxy, through } = await TcpProxy.before(test.url);
    const far = await Database.connect({ url: through, schema: 'slipway_shop', applicationName: 'far' });
    try {
      proxy.cutReplyTo(/commit/i);
      const error = await far.transaction((tx) => put(tx, 1, 'a')).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(CommitUnknown);
      expect(isTransient(error)).toBe(true);
      await eventually(async () => expect(await names()).toEqual(['a']));
      expect(await far.query('select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      await far.close();
      await proxy.close();
    }
  });

  it('gives many replicas that start together one new schema', async () => {
    for (let round = 0; round < 5; round++) {
      const options = { url: test.url, schema: `slipway_new_${round}`, applicationName: 'new', waitMs: 0 };
      const all = await Promise.all(Array.from({ length: 6 }, () => Database.connect(options)));
      await Promise.all(all.map((one) => one.close()));
    }
  });

  it('is waited for at start, but a wrong password is not', async () => {
    const { proxy, through } = await TcpProxy.before(test.url);
    proxy.refuse();
    const coming = Database.connect({ url: through, schema: 'slipway_shop', applicationName: 'late' });
    await eventually(() => proxy.refused > 0);
    proxy.restore();
    await (await coming).close();
    await proxy.close();
    const wrong = new URL(test.url);
    wrong.username = 'nobody_by_this_name';
    wrong.password = 'wrong';
    const began = performance.now();
    const refused = await Database.connect({ url: wrong.href, schema: 'slipway_shop', applicationName: 'wrong' }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(Error);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

describe('time-outs', () => {
  it('end a statement, a wait for a lock, and a wait for the pool', async () => {
    const strict = await Database.connect({
      url: test.url,
      schema: 'slipway_shop',
      applicationName: 'strict',
      poolSize: 1,
      statementTimeoutMs: 200,
      lockTimeoutMs: 100,
    });
    try {
      await expect(strict.query('select pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
      await db.transaction(async (tx) => {
        await tx.query('lock table item');
        await expect(strict.query('select * from item')).rejects.toMatchObject({ code: '55P03' });
      });
      let free: () => void = () => undefined;
      const hog = strict.transaction(() => new Promise<void>((resolve) => (free = resolve)));
      const waited = await strict.query('select 1').catch((e: unknown) => e);
      expect(isTransient(waited)).toBe(true);
      free();
      await hog;
    } finally {
      await strict.close();
    }
  });

  it('let ping fail in time over a network that swallows everything', async () => {
    const { proxy, through } = await TcpProxy.before(test.url);
    const far = await Database.connect({ url: through, schema: 'slipway_shop', applicationName: 'far', statementTimeoutMs: 300 });
    expect(await far.ping(2_000)).toBeLessThan(2_000);
    proxy.blackHole();
    const began = performance.now();
    await expect(far.ping(200)).rejects.toThrow('200 ms');
    expect(performance.now() - began).toBeLessThan(1_500);
    proxy.cut();
    proxy.restore();
    await eventually(() => far.ping(1_000));
    await far.close();
    await proxy.close();
  });
});
