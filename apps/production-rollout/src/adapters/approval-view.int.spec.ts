import { Database, type Tx } from '@slipway/postgres';
import { aDatabase, type TestDatabase } from '@slipway/testkit';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Grant } from '../domain/environment.js';
import { ApprovalView } from './approval-view.js';

const grant = { id: v7(), request: v7(), asks: 'a'.repeat(64) } as Grant;
const since = '2026-11-23T05:00:00.123Z';

let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  own = await aDatabase();
  database = await Database.connect({ url: own.url, schema: 'slipway_production_rollout', applicationName: 'approval-view' });
  await database.query('create schema slipway_approval');
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

async function look(heardTo: string | null, of: Grant, from: string | null): Promise<string> {
  const heard = heardTo === null ? '' : `, '${heardTo}'::timestamptz as heard_to`;
  await database.query(
    `create view slipway_approval.grants_good_now as
     select '${grant.id}'::uuid as grant_id, '${grant.request}'::uuid as request, '${grant.asks}' as asks${heard}`,
  );
  const seen = await database.transaction((tx: Tx) => new ApprovalView().look(tx, of, from));
  await database.query('drop view slipway_approval.grants_good_now');
  return seen;
}

it('says whether a grant is good, and whether approval has heard what runs where it goes', async () => {
  expect(await look('2026-11-23T05:00:00.123Z', grant, since)).toBe('good');
  expect(await look('2026-11-23T05:00:00.122Z', grant, since)).toBe('unheard');
  expect(await look('-infinity', grant, since)).toBe('unheard');
  expect(await look('-infinity', grant, null)).toBe('good');
  expect(await look('2026-11-23T06:00:00Z', { ...grant, asks: 'b'.repeat(64) }, since)).toBe('not good');
});

it('believes the view of an approval that does not tell what it has heard', async () => {
  expect(await look(null, grant, since)).toBe('good');
});
