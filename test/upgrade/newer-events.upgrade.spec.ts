import { rm } from 'node:fs/promises';
import { BuildStarted, CommitDetected, ProjectApplied, RolloutSucceeded, type Service } from '@slipway/contracts';
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
/** Tomorrow a project file may say what the project is for; no version of an event had to be made for that. */
const newKey = {
  file: 'project-file',
  from: 'description: z.string().max(1000).optional(),',
  to: 'description: z.string().max(1000).optional(), purpose: z.string().optional(),',
};

beforeAll(async () => {
  tomorrow = await compiledTomorrow([secondVersion, newKey]);
  const begins = (service: Service, replica: number) => (replica === 2 ? undefined : service === 'image-builder' ? 'tomorrow' : 'today');
  run = await twoVersions({ ports: '29000-29999', versions: { tomorrow }, begins });
}, 300_000);
afterAll(async () => {
  await run?.clear();
  if (tomorrow) await rm(tomorrow, { recursive: true, force: true });
}, 180_000);

/** Why a service has parked events of this type, and how many. */
async function parkedBy(service: Service, type: string): Promise<string[]> {
  return (await rows<{ reason: string }>(`select reason from ${schemaOf(service)}.parked where type = $1`, type)).map(
    ({ reason }) => reason,
  );
}

/** The version of the project's file that is in force where releases are asked for and let in. */
async function inForce(service: 'approval' | 'production-rollout'): Promise<number | undefined> {
  return (await rows<{ version: number }>(`select version from ${schemaOf(service)}.project where name = $1`, run.project))[0]?.version;
}

async function rows<R extends pg.QueryResultRow>(sql: string, parameter: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: run.suite.databaseUrl });
  await client.connect();
  try {
    return (await client.query<R>(sql, [parameter])).rows;
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

describe('a project file with a key that is newer than the code of who hears of it', () => {
  const within = { within: 120_000, every: 500 };
  const behind = ['image-builder', 'approval', 'production-rollout'] as const;

  it('is parked: the file before it stays in force, and what is born under it waits', async () => {
    await run.applies((file) => ({ ...file, metadata: { ...file.metadata, purpose: 'to sell' } }));
    for (const service of behind)
      await eventually(async () => expect(await parkedBy(service, ProjectApplied.type)).toEqual(['newer-version']), within);
    await run.push('three');
    await eventually(async () => expect(await parkedBy('image-builder', CommitDetected.type)).toEqual(['not-yet']), within);
    expect(await Promise.all([inForce('approval'), inForce('production-rollout')])).toEqual([1, 1]);
  }, 500_000);

  it('is in force after the upgrade, and the release goes all the way, with nothing done about it', async () => {
    for (const service of behind) await run.to('tomorrow', service);
    for (const service of behind) await eventually(async () => expect(await parkedBy(service, ProjectApplied.type)).toEqual([]), within);
    expect(await Promise.all([inForce('approval'), inForce('production-rollout')])).toEqual([2, 2]);
    await run.goesLive(3, 'three');
    expect(run.suite.ear.names()).not.toContain('event.dead-lettered');
  }, 500_000);
});
