import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RolloutSucceeded, type Service, VerificationPassed } from '@slipway/contracts';
import { everyProcess, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerApi, dockerApi } from '../../tools/parts/docker-api.ts';
import { aSuite, byPolicy, type Suite } from '../e2e/a-suite.js';
import { Ear } from '../faults/an-ear.js';

/** Values that stand nowhere else; the first halves are enough to find what was cut off or encoded with something before it. */
const values = { 'test-deployer': 'correct-horse-in-test', 'production-rollout': 'battery-staple-live' } satisfies Partial<
  Record<Service, string>
>;
const inAnyForm = Object.values(values).flatMap((value) => [
  value,
  Buffer.from(value).toString('base64').slice(0, 20),
  Buffer.from(value).toString('hex'),
]);

let suite: Suite;
let ear: Ear;
let docker: DockerApi;

beforeAll(async () => {
  suite = await aSuite({ ports: '22900-22999' });
  docker = dockerApi(realParts().dockerHost ?? `unix://${realParts().dockerSocket}`);
  ear = await Ear.at(suite.stage.environment['SLIPWAY_TOPIC_PREFIX'] as string);
  for (const [service, value] of Object.entries(values)) {
    const folder = join(suite.stage.keys.dir, 'secrets', service, suite.project);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'db-password'), value, { mode: 0o600 });
  }
  const settings = { drain: '1s', stable: '300ms', health: { http: '/', every: '300ms', timeout: '500ms', grace: '3s' } };
  await suite.apply({ environments: byPolicy, app: { ...settings, secrets: ['db-password'] } });
  await ear.hears(VerificationPassed, ({ release }) => release.project === suite.project, 90_000);
  await ear.hears(RolloutSucceeded, ({ release }) => release.project === suite.project, 90_000);
}, 200_000);
afterAll(async () => {
  await ear?.close();
  await suite?.clear();
}, 90_000);

/** Which of the values, in which form, stands in what was found. */
const leaked = (found: string) => inAnyForm.filter((value) => found.includes(value));

interface Container {
  Id: string;
  Image: string;
  Mounts: { Source: string; Destination: string }[];
}

async function containers(): Promise<Container[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`dev.slipway.project=${suite.project}`] }));
  const listed = await docker.call<{ Id: string }[]>('GET', `/containers/json?all=true&filters=${filters}`);
  return Promise.all(listed.map(({ Id }) => docker.call<Container>('GET', `/containers/${Id}/json`)));
}

/** Every row of every table of every service, as text. */
async function everyRow(): Promise<string> {
  const { query } = suite.stage.database;
  const tables = await query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_schema like 'slipway%' and table_type = 'BASE TABLE'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`)));
  expect(rows.flat().length).toBeGreaterThan(50);
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
}

describe('the value of a secret', () => {
  it('is in the containers it is for, and in no others', async () => {
    const found = await containers();
    const held = found.flatMap(({ Mounts }) => Mounts.filter(({ Destination }) => Destination === '/run/secrets'));
    const read = held.map(({ Source }) => readFileSync(join(Source, 'db-password'), 'utf8'));
    expect(read.sort((one, other) => one.localeCompare(other))).toEqual([
      values['production-rollout'],
      values['production-rollout'],
      values['test-deployer'],
    ]);
  });

  it('is in no event', () => {
    expect(ear.names()).toContain('secret.versioned');
    expect(leaked(ear.records.map(({ headers, value }) => `${JSON.stringify(headers)}${value}`).join('\n'))).toEqual([]);
  });

  it('is in no table of a service', async () => {
    expect(leaked(await everyRow())).toEqual([]);
  });

  it('is in no inspection of a container or an image, nor in what a container printed', async () => {
    for (const { Id, Image, ...container } of await containers()) {
      expect(leaked(JSON.stringify(container))).toEqual([]);
      expect(leaked(JSON.stringify(await docker.call('GET', `/images/${Image}/json`)))).toEqual([]);
      expect(leaked(JSON.stringify(await docker.call('GET', `/images/${Image}/history`)))).toEqual([]);
      expect(leaked(String(await docker.call('GET', `/containers/${Id}/logs?stdout=true&stderr=true`)))).toEqual([]);
    }
  });

  it('is in no argument and no environment of a process', () => {
    expect(leaked(everyProcess())).toEqual([]);
  });

  it('is on no page of a service', async () => {
    for (const { url } of suite.services) {
      for (const page of ['/metrics', '/health/ready', '/health/live']) expect(leaked(await (await fetch(url + page)).text())).toEqual([]);
    }
  });
});
