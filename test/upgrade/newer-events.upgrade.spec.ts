import { rm } from 'node:fs/promises';
import { BuildStarted, RolloutSucceeded, type Service } from '@slipway/contracts';
import { schemaOf } from '@slipway/postgres';
import { eventually } from '@slipway/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledTomorrow } from './tomorrow.js';
import { type TwoVersions, twoVersions } from './two-versions.js';

let tomorrow: string;
let run: TwoVersions;

/** Tomorrow `image.built` has a second version: it says whether the build can be repeated bit by bit, which nobody said before. */
const secondVersion = {
  file: 'image-builder/image-built',
  from: "name: 'image.built',",
  to: "name: 'image.built', version: 2, upcast: { 1: (data) => ({ ...data, repeatable: data.repeatable ?? false }) },",
};

beforeAll(async () => {
  tomorrow = await compiledTomorrow([secondVersion]);
  const begins = (service: Service, replica: number) => (replica === 2 ? undefined : service === 'image-builder' ? 'tomorrow' : 'today');
  run = await twoVersions({ ports: '29000-29999', versions: { tomorrow }, begins });
}, 300_000);
afterAll(async () => {
  await run?.clear();
  if (tomorrow) await rm(tomorrow, { recursive: true, force: true });
}, 180_000);

/** Why a service has parked events of this type, and how many. */
async function parkedBy(service: Service, type: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: run.suite.databaseUrl });
  await client.connect();
  try {
    return (await client.query(`select reason from ${schemaOf(service)}.parked where type = $1`, [type])).rows.map(({ reason }) => reason);
  } finally {
    await client.end();
  }
}

describe('an event that is newer than the code of who hears it', () => {
  const newer = 'slipway.image.built.v2';

  it('is parked, not discarded, and its release waits', async () => {
    await run.hears(BuildStarted, 1);
    for (const service of ['test-deployer', 'source-watcher'] as const)
      await eventually(async () => expect(await parkedBy(service, newer)).toEqual(['newer-version']), { within: 120_000, every: 500 });
    expect(run.suite.ear.all(RolloutSucceeded)).toEqual([]);
  }, 300_000);

  it('is handled after the upgrade, and the release goes all the way', async () => {
    for (const service of ['test-deployer', 'source-watcher', 'gateway'] as const) await run.to('tomorrow', service);
    await run.goesLive(1, 'one');
    for (const service of ['test-deployer', 'source-watcher', 'gateway'] as const) expect(await parkedBy(service, newer)).toEqual([]);
  }, 500_000);

  it('may be an older one too: it is read as what it would be today', async () => {
    await run.to('today', 'image-builder');
    await run.push('two');
    await run.goesLive(2, 'two');
  }, 500_000);
});
