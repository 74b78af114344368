import type { Pruning } from '@slipway/messaging';
import { eventually } from '@slipway/testkit';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { operationPrunings, owe, Pruner } from './index.js';
import { db, doneAfter, ended, oweOne, withOperations, work, worker } from './worker.fixture.js';

withOperations();

function pruner(prunings: readonly Pruning[] = operationPrunings({ operationsDays: 90 }), atOnce?: number) {
  const registry = new Registry();
  const made = new Pruner({ database: db, prunings, registry, logger: pino({ level: 'silent' }), ...(atOnce && { atOnce }) });
  const value = async (line: string) =>
    Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (.+)$`, 'm').exec(await registry.metrics())?.[1]);
  return { run: (signal = AbortSignal.timeout(10_000)) => made.run(signal), value };
}
/** As if everything in the table had happened so many days earlier. */
const daysPass = (days: number) =>
  db.query(
    `update operation set finished_at = finished_at - make_interval(days => $1), due_at = due_at - make_interval(days => $1),
       created_at = created_at - make_interval(days => $1), first_due_at = first_due_at - make_interval(days => $1)`,
    [days],
  );
const left = async () => (await db.query<{ key: string }>('select key from operation order by key')).map(({ key }) => key);
/** Rows of one kind, all of one state, finished so many days ago. */
const finished = (state: string, days: number, keys = 'generate_series(1, 1) n', key = `'${state}-${days}'`) =>
  db.query(
    `insert into operation (id, kind, key, input, state, due_at, first_due_at, finished_at)
     select gen_random_uuid(), 'build', ${key}, '{}', '${state}', now(), now(), now() - interval '${days} days' from ${keys}`,
  );

describe('a finished operation', () => {
  it('goes when its time is over, whatever its end, and no unfinished one does', async () => {
    for (const state of ['done', 'exhausted', 'cancelled']) for (const days of [89, 91]) await finished(state, days);
    await oweOne({ key: 'ready' });
    await finished('running', 400, undefined, `'running'`);
    await pruner().run();
    expect(await left()).toEqual(['cancelled-89', 'done-89', 'exhausted-89', 'ready', 'running']);
  });

  it('is not done again by whoever owes it again, as long as it is kept', async () => {
    let runs = 0;
    await worker([work(async () => doneAfter(runs++))]);
    await oweOne();
    await ended();
    await daysPass(89);
    await pruner().run();
    expect(await oweOne()).toMatchObject({ created: false });
    await oweOne({ key: 'marker' });
    await ended('marker');
    expect(runs).toBe(2);
  });

  it('that is owed in the moment it goes is owed once or refused, never twice', async () => {
    await finished('done', 91, undefined, `'shop/1'`);
    const owing = Array.from({ length: 8 }, () => db.transaction((tx) => owe(tx, { kind: 'build', key: 'shop/1', input: {} })));
    const [, ...outcomes] = await Promise.allSettled([pruner().run(), ...owing]);
    const created = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value.created);
    expect(created.length).toBeLessThanOrEqual(1);
    expect((await left()).length).toBeLessThanOrEqual(1);
  });
});

describe('a pass', () => {
  it('looks at a bounded number of rows, and the next one goes on', async () => {
    await finished('done', 91, 'generate_series(1, 50) n', 'n::text');
    const some = pruner(undefined, 2);
    await some.run();
    expect(await left()).toHaveLength(10);
    expect(await some.value('slipway_rows_pruned_total{table="operation"}')).toBe(40);
    await some.run();
    expect(await left()).toEqual([]);
  });

  it('finds what is over without reading what is not', async () => {
    await finished('done', 1, 'generate_series(1, 20000) n', 'n::text');
    await db.query('analyze operation');
    const plan = await db.query<{ 'QUERY PLAN': string }>(
      `explain select id from operation where finished_at < now() - make_interval(days => 90) and state in ('done', 'exhausted', 'cancelled')
       order by finished_at limit 1000`,
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('operation_finished');
  });

  it('lets no pruning that fails keep another from its turn, and says that it failed', async () => {
    let ran = 0;
    const fails: Pruning = { table: 'a', some: async () => Promise.reject(new Error('no such table')) };
    const works: Pruning = { table: 'b', some: async () => ({ gone: ++ran, more: false }) };
    await expect(pruner([fails, works]).run()).rejects.toThrow('no such table');
    expect(ran).toBe(1);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    const endless: Pruning = {
      table: 'a',
      some: async () => {
        stop.abort(new Error('stopping'));
        return { gone: 1, more: true };
      },
    };
    const some = pruner([endless]);
    await expect(some.run(stop.signal)).rejects.toThrow('stopping');
    expect(await some.value('slipway_rows_pruned_total{table="a"}')).toBe(1);
  });
});

describe('the tables of a service', () => {
  it('say how large they are', async () => {
    await finished('done', 1, 'generate_series(1, 500) n', 'n::text');
    await db.query('analyze operation'); // tells the statistics, which otherwise take a second
    const { value } = pruner();
    await eventually(async () => expect(await value('slipway_table_rows{table="operation"}')).toBe(500));
    expect(await value('slipway_table_bytes{table="operation"}')).toBeGreaterThan(50_000);
  });
});
