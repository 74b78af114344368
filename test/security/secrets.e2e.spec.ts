import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RolloutSucceeded, type Service, VerificationPassed } from '@slipway/contracts';
import { everyProcess, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerApi, dockerApi } from '../../tools/parts/docker-api.ts';
import { lookFor, type Place } from '../attack/canary.ts';
import * as places from '../attack/canary-places.ts';
import { aSuite, byPolicy, type Suite } from '../e2e/a-suite.js';
import { Ear } from '../faults/an-ear.js';

/** Values that stand nowhere else. */
const values = { 'test-deployer': 'correct-horse-in-test', 'production-rollout': 'battery-staple-live' } satisfies Partial<
  Record<Service, string>
>;
const canaries = Object.entries(values).map(([name, value]) => ({ name, value }));

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

const found = (...where: Place[]) => lookFor(canaries, where);

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

describe('the value of a secret', () => {
  it('is in the containers it is for, and in no others', async () => {
    const held = (await containers()).flatMap(({ Mounts }) => Mounts.filter(({ Destination }) => Destination === '/run/secrets'));
    const read = held.map(({ Source }) => readFileSync(join(Source, 'db-password'), 'utf8'));
    expect(read.sort((one, other) => one.localeCompare(other))).toEqual([
      values['production-rollout'],
      values['production-rollout'],
      values['test-deployer'],
    ]);
  });

  it('is in no event', async () => {
    expect(ear.names()).toContain('secret.versioned');
    const pieces = () => ear.records.map(({ topic, headers, value }) => ({ where: topic, content: `${JSON.stringify(headers)}${value}` }));
    expect(await found({ name: 'Kafka', atLeast: 20, pieces })).toEqual([]);
  });

  it('is in no table of a service', async () => {
    expect(await found(places.rows(suite.stage.database.query))).toEqual([]);
  });

  it('is in no inspection of a container or an image, no layer, nor in what a container printed', async () => {
    const label = `dev.slipway.project=${suite.project}`;
    expect(await found(places.containers(docker, label), places.images(docker.host, label))).toEqual([]);
  });

  it('is in no argument and no environment of a process', async () => {
    expect(await found({ name: 'processes', pieces: () => [{ where: 'anywhere', content: everyProcess() }] })).toEqual([]);
  });

  it('is on no page of a service', async () => {
    const pages = suite.services.flatMap(({ url }) => ['/metrics', '/health/ready', '/health/live'].map((page) => ({ url: url + page })));
    expect(await found(places.answers('pages', pages))).toEqual([]);
  });
});
