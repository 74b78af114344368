import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import type { UnitOfWork } from '@slipway/messaging';
import { Database } from '@slipway/postgres';
import { aDatabase, aPerson, aRelease, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresKnowledge } from './adapters/postgres-knowledge.js';
import { Duties } from './duties.js';
import { migrations } from './migrations/index.js';
import type { KnownRelease } from './ports.js';
import { sealedTables } from './sealed-tables.js';

const knowledge = new PostgresKnowledge(new RowSeals(serviceKeyOf(newServiceKeyFile('approval', new Date())), sealedTables));
const duties = new Duties(knowledge);
const ann = aPerson({ name: 'Ann', emails: ['ann@shop.example'] });
const change: KnownRelease = {
  ...{ release: aRelease({ number: 1 }), people: [{ name: 'Ann', email: 'ann@shop.example', account: null }], pusher: null },
  ...{ triggerPerson: null, from: null, commits: [], commitTotal: 1, withdrawn: false },
};

let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  own = await aDatabase();
  database = await Database.connect({ url: own.url, schema: 'slipway_approval', applicationName: 'duties' });
  await database.migrate(migrations, 'approval');
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

it('says whose change it is only while everybody is believed', async () => {
  await database.transaction(async (tx) => {
    await knowledge.keepPerson(tx, ann, 1);
    await knowledge.keepPerson(tx, aPerson({ name: 'Tess' }), 1);
    await knowledge.keepRelease(tx, change, []);
  });
  const whose = () => database.transaction((tx) => duties.ofChange({ tx } as UnitOfWork, change, null));
  expect(await whose()).toMatchObject({ involved: [ann.id], unmatched: [] });
  await database.query(`update person set person = jsonb_set(person, '{emails}', '["other@shop.example"]') where id = $1`, [ann.id]);
  expect(await whose()).toMatchObject({ code: 'not-heard', message: expect.stringContaining('person is not believed') });
  await database.transaction((tx) => knowledge.keepPerson(tx, ann, 2));
  expect(await whose()).toMatchObject({ involved: [ann.id], unmatched: [] });
});
