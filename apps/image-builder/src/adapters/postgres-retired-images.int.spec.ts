import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database, schemaOf, type Tx } from '@slipway/postgres';
import { aDatabase, aDigest, anId, aRevision, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../migrations/index.js';
import { sealedTables } from '../sealed-tables.js';
import { PostgresRetiredImages } from './postgres-retired-images.js';

let postgres: TestDatabase;
let database: Database;
const seals = new RowSeals(serviceKeyOf(newServiceKeyFile('image-builder', new Date())), sealedTables);
const images = new PostgresRetiredImages(seals);
const repository = 'localhost:5000/shop';
let number = 0;

beforeAll(async () => {
  postgres = await aDatabase();
  database = await Database.connect({ url: postgres.url, schema: schemaOf('image-builder'), applicationName: 'test' });
  await database.migrate(migrations, 'image-builder');
});
afterAll(async () => {
  await database?.close();
  await postgres?.drop();
});

/** A release that has the image: built for it in its repository, or known at its birth. */
async function has(tx: Tx, digest: string, how: 'built' | 'known', project = 'shop'): Promise<string> {
  const told = { release: anId(), project, number: ++number, kind: 'commit', line: 'main', revision: aRevision() };
  const row = {
    ...told,
    recipe: how === 'built' ? { repository } : null,
    state: 'built',
    attempt: 1,
    build: {},
    image: { repository, digest },
  };
  await tx.query(
    `insert into build (release, project, number, kind, line, revision, recipe, state, attempt, build, image, cause, seal)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '{}', $12)`,
    [...Object.values(row), seals.of('build', row)],
  );
  return row.release;
}
const within = <T>(work: (tx: Tx) => Promise<T>) => database.transaction(work);
const retire = (digest: string, ...releases: string[]) =>
  within(async (tx) => {
    await images.retired(tx, digest);
    await images.retire(tx, digest, releases);
    return (await images.retired(tx, digest)) !== undefined;
  });

describe('an image', () => {
  it('is retired with the last release that has it, in any project, and only where it was built here', async () => {
    const [digest, foreign] = [aDigest(), aDigest()];
    const [one, other] = await within(async (tx) => [await has(tx, digest, 'built'), await has(tx, digest, 'known', 'mirror')] as const);
    expect(await retire(digest, one)).toBe(false);
    expect(await retire(digest, anId())).toBe(false);
    expect(await retire(digest, other)).toBe(true);
    const release = await within((tx) => has(tx, foreign, 'known'));
    expect(await retire(foreign, release)).toBe(false);
  });

  it('stays where somebody else wrote that it is not needed, or changed who needs it', async () => {
    const digest = aDigest();
    const [one, other] = await within(async (tx) => [await has(tx, digest, 'built'), await has(tx, digest, 'known')] as const);
    // That it is not retired has a seal too, where rows of a version without seals were adopted.
    const seal = seals.of('retirement of an image', { release: one, retired_at: null });
    await database.query('update build set retired_seal = $2 where release = $1', [one, seal]);
    await retire(digest, one);
    const isRetired = () => within(async (tx) => (await images.retired(tx, digest)) !== undefined);
    const writes = async (column: string, value: string) => {
      await database.query(`update build set ${column} = ${value} where release = $1`, [other]);
      expect(await isRetired()).toBe(false);
    };
    await writes('retired_at', 'now()');
    await writes('retired_seal', `(select retired_seal from build where release = '${one}')`);
    await database.query('update build set retired_at = null, retired_seal = null where release = $1', [other]);
    expect(await retire(digest, other)).toBe(true);
    await writes('number', '999');
    await database.query('update build set number = $2 where release = $1', [other, number]);
    expect(await isRetired()).toBe(true);
  });

  it('is marked where all that have it are, be it without a seal, and only where it was built here', async () => {
    const [digest, foreign] = [aDigest(), aDigest()];
    const [one, other, known] = await within(
      async (tx) => [await has(tx, digest, 'built'), await has(tx, digest, 'known'), await has(tx, foreign, 'known')] as const,
    );
    const marked = (of: string) => within((tx) => images.isMarked(tx, of));
    const mark = (release: string) => database.query('update build set retired_at = now() where release = $1', [release]);
    await mark(one);
    expect(await marked(digest)).toBe(false);
    await mark(other);
    await mark(known);
    expect([await marked(digest), await marked(foreign), await marked(aDigest())]).toEqual([true, false, false]);
  });

  it('is taken or retired, never both at the same moment', async () => {
    const digest = aDigest();
    const one = await within((tx) => has(tx, digest, 'built'));
    const taken = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const taking = within(async (tx) => {
      expect(await images.retired(tx, digest)).toBeUndefined();
      taken.resolve();
      await goOn.promise;
      return await has(tx, digest, 'known');
    });
    await taken.promise;
    const retiring = retire(digest, one);
    goOn.resolve();
    expect(await retiring).toBe(false);
    expect(await retire(digest, await taking)).toBe(true);
    const tooLate = await within((tx) => images.retired(tx, digest));
    expect(tooLate?.releases.map(({ id }) => id)).toEqual([one, await taking]);
  });
});

describe('a tag', () => {
  it('is ours where a build was pushed under it into that repository; its form alone says nothing', async () => {
    const digest = aDigest();
    const [built, known] = await within(async (tx) => [await has(tx, digest, 'built'), await has(tx, digest, 'known')] as const);
    const [own, taken] = [`shop-${number - 1}-${built.slice(-12)}`, `shop-${number}-${known.slice(-12)}`];
    const tags = [
      own,
      taken,
      `shop-${number - 1}-0123456789ab`,
      'main-20261123-0123456789ab',
      `shop-${'9'.repeat(30)}-0123456789ab`,
      'latest',
    ];
    expect(await within((tx) => images.pushedAs(tx, repository, tags))).toEqual(new Set([own]));
    expect(await within((tx) => images.pushedAs(tx, 'localhost:5000/other', tags))).toEqual(new Set());
    await database.query('update build set recipe = $2 where release = $1', [known, { repository }]);
    expect(await within((tx) => images.pushedAs(tx, repository, tags))).toEqual(new Set([own]));
  });
});
