import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { aDatabase, anId, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkAll } from '../domain/audit-chain.js';
import { migrations } from '../migrations/index.js';
import type { Linked } from '../ports.js';
import { sealedTables } from '../sealed-tables.js';
import { PostgresAuditLog } from './postgres-audit-log.js';

const audit = new PostgresAuditLog(new RowSeals(serviceKeyOf(newServiceKeyFile('approval', new Date())), sealedTables));
const envelope = { payloadType: 'x', payload: '', signatures: [{ keyid: 'k', sig: 's' }] };
const at = new Date().toISOString();

let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  own = await aDatabase();
  database = await Database.connect({ url: own.url, schema: 'slipway_approval', applicationName: 'audit log' });
  await database.migrate(migrations, 'approval');
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

const record = (chain: string, entry: Record<string, unknown> = {}) =>
  database.transaction((tx) => audit.record(tx, { event: anId(), chain, at, entry }));

/** Links what there is; the hash of a link is its place. */
const link = (): Promise<Linked> =>
  database.transaction((tx) =>
    audit.link(tx, async (_, head, entries) => {
      const links = linkAll(entries, head, (text) => `${text.length}`);
      const { sequence, hash } = links.at(-1) as (typeof links)[number];
      return { links, head: { sequence, hash, at, envelope } };
    }),
  );

const entriesOf = async (chain: string) =>
  (await database.query<{ entry: object }>('select entry from audit_entry where chain = $1 order by sequence', [chain])).map(
    ({ entry }) => entry,
  );

describe('the audit chains', () => {
  it.each([
    ['was changed', (chain: string) => database.query('update audit_head set sequence = sequence + 7 where chain = $1', [chain])],
    ['is gone', (chain: string) => database.query('delete from audit_head where chain = $1', [chain])],
  ])('go on where the head of another %s, and that one once it is mended', async (_, breakHead) => {
    const [broken, whole] = [anId(), anId()];
    const recordBoth = async (n: number) => {
      await record(broken, { n });
      await record(whole, { n });
    };
    await recordBoth(1);
    expect(await link()).toEqual({ entries: 2, waiting: [] });
    const [before] = await database.query('select * from audit_head where chain = $1', [broken]);
    await breakHead(broken);
    await recordBoth(2);
    expect(await link()).toEqual({ entries: 1, waiting: [broken] });
    expect(await link()).toEqual({ entries: 0, waiting: [broken] });
    expect([await entriesOf(broken), await entriesOf(whole)]).toEqual([[{ n: 1 }], [{ n: 1 }, { n: 2 }]]);
    await database.query('delete from audit_head where chain = $1', [broken]);
    await database.query('insert into audit_head select * from jsonb_populate_record(null::audit_head, $1)', [JSON.stringify(before)]);
    expect(await link()).toEqual({ entries: 1, waiting: [] });
    expect(await entriesOf(broken)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('wait where an older head, with its seal, was put back', async () => {
    const chain = anId();
    await record(chain);
    await link();
    const [older] = await database.query('select * from audit_head where chain = $1', [chain]);
    await record(chain);
    await link();
    await database.query('delete from audit_head where chain = $1', [chain]);
    await database.query('insert into audit_head select * from jsonb_populate_record(null::audit_head, $1)', [JSON.stringify(older)]);
    await record(chain);
    expect(await link()).toEqual({ entries: 0, waiting: [chain] });
  });

  it('keep what a container printed, without what no database takes', async () => {
    const chain = anId();
    await record(chain, { output: ['a\0b', 'half \ud83d', '\udc4d', 'whole 👍', 'C:\\u0000 \\ud83d'], 'k\0': 1 });
    expect((await link()).entries).toBeGreaterThan(0);
    expect(await entriesOf(chain)).toEqual([{ output: ['a�b', 'half �', '�', 'whole 👍', 'C:\\u0000 \\ud83d'], 'k�': 1 }]);
  });
});
