import type { ImageReference } from '@slipway/contracts';
import { newServiceKeyFile, RowSeals, serviceKeyOf } from '@slipway/identity';
import { Database } from '@slipway/postgres';
import { aDatabase, aDigest, aRelease, type TestDatabase } from '@slipway/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../migrations/index.js';
import { sealedTables } from '../sealed-tables.js';
import { PostgresReleases } from './postgres-releases.js';

const image: ImageReference = { repository: 'localhost:5000/shop', digest: aDigest('a') };

let own: TestDatabase;
let database: Database;
let releases: PostgresReleases;

beforeAll(async () => {
  own = await aDatabase();
  database = await Database.connect({ url: own.url, schema: 'slipway_source_watcher', applicationName: 'releases' });
  await database.migrate(migrations, 'source-watcher');
  releases = new PostgresReleases(database, new RowSeals(serviceKeyOf(newServiceKeyFile('source-watcher', new Date())), sealedTables));
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

async function keep(born: Parameters<typeof aRelease>[0]): Promise<void> {
  const about = { projectVersion: 1, repositoryFile: null, image, building: false };
  await database.transaction((tx) => releases.keep(tx, { release: aRelease(born), ...about }));
}

it('finds the last release of a line wherever it is: of a branch its own, before a tag that was set on it later', async () => {
  const [project, lts] = ['lines', 'refs/heads/lts'];
  await keep({ project, number: 1, ref: lts });
  await keep({ project, number: 2, ref: lts });
  await keep({ project, number: 3, kind: 'tag', ref: 'refs/tags/v1', line: lts });
  await keep({ project, number: 4, kind: 'tag', ref: 'refs/tags/v2' });
  const last = async (line: string) => (await releases.lastOnLine(project, line))?.release.number;
  expect([await last(lts), await last('refs/tags/v2'), await last('refs/heads/main')]).toEqual([2, 4, undefined]);
});

it('finds the newest built code of a branch beside a later configuration of older code, and what came to its line since', async () => {
  const project = 'configured';
  const first = aRelease({ project });
  await keep(first);
  await keep({ project, number: 2 });
  await keep({ ...first, number: 3, id: aRelease().id, kind: 'configuration' });
  const { built, since } = await database.transaction(async (tx) => ({
    built: await releases.newestBuilt(tx, project),
    since: await releases.onLineSince(tx, first),
  }));
  expect(built.map(({ release }) => release.number)).toEqual([3, 2]);
  expect(since.map(({ number }) => number)).toEqual([3, 2]);
});
