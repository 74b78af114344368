import { Messaging, type UnitOfWork } from '@slipway/messaging';
import type { Claim } from '@slipway/operations';
import { anId, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aScene, type Scene } from './gateway.fixture.js';
import type { LedgerProgress } from './ports.js';
import { RunLedger } from './run-ledger.js';

let scene: Scene;

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
});
afterAll(() => scene?.stage.clear());

const database = <T>(sql: string, params: unknown[] = []) =>
  scene.stage.database.query<T>(sql.replaceAll('$schema', 'slipway_gateway'), params);

/** What a worker gives the work, until it dies after so many transactions. */
function claimOf(id: string, progress: LedgerProgress | null, task: 'rebuild' | 'check', dies: number): Claim<{ task: typeof task }> {
  const messaging = scene.gateway.app.get(Messaging);
  let left = dies;
  const transact = async <T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T> => {
    if (left-- === 0) throw new Error('killed');
    return await messaging.transact(fn);
  };
  const operation = { id, kind: 'by-hand', key: id, input: { task }, epoch: 1, attempt: 0, createdAt: new Date(), progress };
  return { operation, signal: new AbortController().signal, transact, complete: transact } as unknown as Claim<{ task: typeof task }>;
}

/** Works on it to its end, dying after every transaction. */
async function dyingAfterEach(task: 'rebuild' | 'check'): Promise<{ deaths: number; progress: LedgerProgress }> {
  const id = anId();
  await database(
    "insert into $schema.operation (id, kind, key, input, state, due_at, first_due_at) values ($1::uuid, 'by-hand', $1::uuid::text, '{}', 'done', now(), now())",
    [id],
  );
  const run = scene.gateway.app.get(RunLedger);
  for (let deaths = 0; ; deaths++) {
    const [row] = await database<{ progress: LedgerProgress | null }>('select progress from $schema.operation where id = $1', [id]);
    const claim = claimOf(id, row?.progress ?? null, task, 1);
    const ended = await run.run(claim).then(
      () => true,
      (error: Error) => {
        if (error.message !== 'killed') throw error;
        return false;
      },
    );
    const [now] = await database<{ progress: LedgerProgress }>('select progress from $schema.operation where id = $1', [id]);
    if (ended) return { deaths, progress: now?.progress as LedgerProgress };
    if (deaths > 50) throw new Error(`it does not get on: ${JSON.stringify(now?.progress)}`);
  }
}

describe('folding the ledger anew', () => {
  it('goes on where it was after each crash, and gives the same', { timeout: 60_000 }, async () => {
    for (const number of [1, 2, 3]) await scene.aBuiltRelease('shop', number);
    const shown = () => database<{ row: string }>('select r::text as row from $schema.release r order by id');
    const before = await shown();
    const { deaths, progress } = await dyingAfterEach('rebuild');
    expect(deaths).toBeGreaterThanOrEqual(4);
    expect(progress).toMatchObject({ step: 'over', releases: 3 });
    expect(await shown()).toEqual(before);
    expect((await dyingAfterEach('check')).progress).toMatchObject({ step: 'over', differing: 0, differences: [] });
    // And it takes in what comes afterwards.
    await scene.aBuiltRelease('shop', 4);
    expect(await eventually(async () => (await shown()).length === 4)).toBe(true);
    const fresh = await database("select 1 from pg_class where relname like 'fresh\\_%'");
    expect(fresh).toEqual([]);
  });
});
