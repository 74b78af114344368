import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { aDatabase, aDigest, aRelease, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../migrations/index.js';
import { sealedTables } from '../sealed-tables.js';
import { PostgresKnowledge } from './postgres-knowledge.js';

const key = serviceKeyOf(newServiceKeyFile('approval', new Date()));
const knowledge = new PostgresKnowledge(new RowSeals(key, sealedTables));
const image = { repository: 'localhost:5000/shop', digest: aDigest('a') };
const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 5, minute));

let own: TestDatabase;
let database: Database;

beforeAll(async () => {
  own = await aDatabase();
  database = await Database.connect({ url: own.url, schema: 'slipway_approval', applicationName: 'knowledge' });
  await database.migrate(migrations, 'approval');
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

describe('what approval knows of an environment', () => {
  const runs = (environment: string, number: number, minute: number) =>
    database.transaction((tx) =>
      knowledge.keepStanding(tx, { project: 'shop', environment }, { release: aRelease({ number }), image, address: '' }, at(minute)),
    );
  const numberIn = async (environment: string) =>
    (await database.transaction((tx) => knowledge.standing(tx, 'shop', environment)))?.release?.number;

  it('is what was said last there, in whatever order it is heard', async () => {
    await runs('production', 2, 20);
    await runs('production', 1, 10);
    expect(await numberIn('production')).toBe(2);
    await runs('production', 1, 30);
    expect(await numberIn('production')).toBe(1);
  });

  it('is not lost to a bar that was heard before', async () => {
    await database.transaction((tx) => knowledge.bar(tx, 'shop', 'pre-release', 4));
    await runs('pre-release', 3, 5);
    expect(await numberIn('pre-release')).toBe(3);
  });

  it('is heard though what is barred there is not believed, and that is written over', async () => {
    const bar = (number: number) => database.transaction((tx) => knowledge.bar(tx, 'shop', 'staging', number));
    const forge = (barred: string) => database.query(`update standing set barred = $1 where environment = 'staging'`, [barred]);
    const barred = async () => (await database.transaction((tx) => knowledge.standing(tx, 'shop', 'staging')))?.barred;
    await bar(4);
    await bar(5);
    expect(await barred()).toEqual([4, 5]);
    await forge('{4,9}');
    await bar(6);
    expect(await barred()).toEqual([6]);
    await forge('{9}');
    await expect(barred()).rejects.toThrow('of table standing bars is not believed');
    await runs('staging', 3, 5);
    expect(await barred()).toEqual([]);
    await bar(7);
    await forge('{7,8}');
    await database.transaction((tx) => knowledge.unbar(tx, 'shop', 'staging', 7));
    expect(await barred()).toEqual([]);
  });

  it('stays empty when what ran is heard after its removal', async () => {
    await database.transaction((tx) => knowledge.keepStanding(tx, { project: 'shop', environment: 'test' }, null, at(20)));
    await runs('test', 1, 10);
    expect(await numberIn('test')).toBeUndefined();
    await runs('test', 2, 30);
    expect(await numberIn('test')).toBe(2);
  });
});

describe('how the releases of a project hang on each other', () => {
  it('is not known of what was told before it had to be told, whatever somebody else writes there', async () => {
    const about = { people: [], pusher: null, triggerPerson: null, from: null, commits: [], commitTotal: 0, withdrawn: false };
    await database.transaction(async (tx) => {
      await knowledge.keepRelease(tx, { release: aRelease({ project: 'linked' }), ...about }, null);
      await knowledge.keepRelease(tx, { release: aRelease({ project: 'linked', number: 2 }), ...about }, []);
    });
    const told = async () => {
      const links = await database.transaction((tx) => knowledge.linksUpTo(tx, 'linked', 2));
      return links.toSorted((one, other) => one.number - other.number).map(({ merged }) => merged);
    };
    expect(await told()).toEqual([null, []]);
    await database.query(
      `update release set merged_seal = other.merged_seal from release other where release.number = 1 and other.number = 2`,
    );
    await expect(told()).rejects.toThrow('of table release merges is not believed');
  });
});
