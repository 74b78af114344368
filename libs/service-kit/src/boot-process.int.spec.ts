import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { aDatabase, aKeyRing, aTopicPrefix, eventually, realParts, type TestDatabase, type TestKeyRing } from '@slipway/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
/** A main.ts without decorators, which plain Node would not understand on its command line. */
const main = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { boot, ServiceModule, subscribe } from '@slipway/service-kit';
class GatewayModule {}
Module({ imports: [ServiceModule.register({ name: 'gateway', subscriptions: subscribe('gateway', []) })] })(GatewayModule);
await boot(GatewayModule);
if (process.env.LOSE_A_PROMISE) Promise.reject(new Error('lost'));
`;

describe('a service that owns its process', () => {
  let database: TestDatabase;
  let keys: TestKeyRing;
  let prefix: string;
  const children: ChildProcess[] = [];

  const run = (environment: Record<string, string | undefined>) => {
    const args = ['--import', join(root, 'tools/docs/source-loader.mjs'), '--input-type=module', '-e', main];
    const child = spawn(process.execPath, args, { cwd: import.meta.dirname, env: { PATH: process.env.PATH, ...environment } });
    children.push(child);
    const said = { text: '' };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said.text += chunk));
    const ended = once(child, 'exit').then(([code]) => code as number | null);
    return { child, said, ended };
  };
  const environment = (more: Record<string, string> = {}) => ({
    KAFKA_BROKERS: realParts().kafkaBrokers.join(','),
    DATABASE_URL: database.url,
    SLIPWAY_DATA_DIR: keys.dir,
    SLIPWAY_TOPIC_PREFIX: prefix,
    ...more,
  });
  const urlOf = (said: { text: string }) =>
    eventually(() => /"url":"([^"]+)","msg":"ready"/.exec(said.text)?.[1] ?? false, { within: 20_000 });

  beforeAll(async () => {
    [database, keys] = await Promise.all([aDatabase(), aKeyRing()]);
    prefix = aTopicPrefix();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(async () => {
    await database.drop();
    await keys.drop();
  });

  it('exits 1 with one plain message when settings are wrong', async () => {
    const { said, ended } = run({ SLIPWAY_LOG_LEVEL: 'loud' });
    expect(await ended).toBe(1);
    expect(said.text).toMatch(/^gateway cannot start, 3 settings are wrong:\n {2}- KAFKA_BROKERS is not set/);
    expect(said.text).not.toMatch(/\n\s+at /);
  });

  it('exits 1 naming the file when its key is missing', async () => {
    const { said, ended } = run(environment({ PORT: '0', SLIPWAY_KEY_FILE: '/nowhere/gateway.json' }));
    expect(await ended).toBe(1);
    expect(said.text).toMatch(/cannot start: .*\/nowhere\/gateway\.json/);
  });

  it('runs in two replicas, tells Prometheus of both, and exits 0 well within 10 s when told to', async () => {
    const replicas = [run(environment()), run(environment())];
    const urls = await Promise.all(replicas.map(({ said }) => urlOf(said)));
    expect(new Set(urls).size).toBe(2);
    expect(await readdir(join(keys.dir, 'prometheus'))).toHaveLength(2);
    for (const url of urls) await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), { within: 20_000 });
    const began = performance.now();
    replicas[0]?.child.kill('SIGTERM');
    replicas[1]?.child.kill('SIGINT');
    expect(await Promise.all(replicas.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(performance.now() - began).toBeLessThan(9_000);
    expect(await readdir(join(keys.dir, 'prometheus'))).toEqual([]);
  });

  it('says so and exits 1 when a promise is lost', async () => {
    const { said, ended } = run(environment({ PORT: '0', LOSE_A_PROMISE: '1' }));
    expect(await ended).toBe(1);
    expect(said.text).toMatch(/"level":"fatal".*a promise was rejected and nobody listened/);
  });
});
