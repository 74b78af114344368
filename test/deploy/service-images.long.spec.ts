import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseContext } from '../../tools/images/base.ts';
import { buildWithBuildKit } from '../../tools/images/build.ts';
import { preparedTree } from '../../tools/images/tree.ts';
import { onServer, removeTopics } from '../../tools/parts/borrowed.ts';
import { findDocker } from '../../tools/parts/docker.ts';
import { type DockerApi, dockerApi } from '../../tools/parts/docker-api.ts';
import { freePort } from '../../tools/parts/ports.ts';
import { until } from '../../tools/parts/until.ts';
import { memorySettings } from '../../tools/suite/memory.ts';
import { runnableServices } from '../../tools/suite/services.ts';

const id = `images-${randomBytes(3).toString('hex')}`;
const label = { 'dev.slipway.test': id };
const database = id.replace('-', '_');
const services = runnableServices();
let docker: DockerApi;
let data: string;
let databaseUrl: string;

/** Node in place of an image that would have to be pulled; all else is as `docker compose build` makes it. */
beforeAll(async () => {
  docker = (await findDocker()) ?? dockerApi('');
  data = await mkdtemp(join(tmpdir(), 'slipway-images-'));
  const admin = new URL(process.env['DATABASE_URL'] ?? '');
  await onServer(admin.href, `create database ${database}`);
  databaseUrl = Object.assign(new URL(admin), { pathname: `/${database}` }).href;
  const dockerfile = 'deploy/docker/Dockerfile';
  await build({ tag: `${id}/base`, context: await baseContext() });
  const local = { BASE: `${id}/base`, RUNTIME: 'base' };
  await build({ tag: `${id}/tree`, context: await preparedTree(), dockerfile, target: 'tree', args: { ...local, TREE: 'prepared' } });
  for (const service of services) {
    await build({
      tag: `${id}/${service}`,
      context: await onlyDockerfile(),
      dockerfile,
      args: { ...local, TREE: `${id}/tree`, SERVICE: service },
    });
  }
}, 180_000);

afterAll(async () => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`dev.slipway.test=${id}`] }));
  for (const { Id } of await docker.call<{ Id: string }[]>('GET', `/containers/json?all=true&filters=${filters}`)) {
    await docker.call('DELETE', `/containers/${Id}?force=true&v=true`, { allow: [404, 409] });
  }
  for (const name of ['base', 'tree', ...services]) await docker.call('DELETE', `/images/${id}/${name}?force=true`, { allow: [404, 409] });
  await removeTopics(process.env['KAFKA_BROKERS'] ?? '', `${id}.`);
  await onServer(process.env['DATABASE_URL'] ?? '', `drop database if exists ${database} with (force)`);
  await rm(data, { recursive: true, force: true });
}, 60_000);

describe.skipIf(services.length === 0)('the images of the services', () => {
  it('set an installation up: keys, database schemas and folders, each for its own service', async () => {
    const env = { DATABASE_URL: databaseUrl, SLIPWAY_DATA: data, SLIPWAY_DB_SINGLE_ROLE: '1' };
    const setUp = await create(services[0] as string, {
      env,
      user: '0:0',
      command: ['/slipway/deploy/docker/set-up.mjs'],
      binds: [`${data}:${data}`],
    });
    const { StatusCode } = await docker.call<{ StatusCode: number }>('POST', `/containers/${setUp}/wait`);
    expect(StatusCode, await logsOf(setUp)).toBe(0);
  }, 60_000);

  it.each(services)('hold %s to the same memory as on one machine', async (service) => {
    const { Config } = await docker.call<{ Config: { Env: string[] } }>('GET', `/images/${id}/${service}/json`);
    expect(Config.Env).toEqual(expect.arrayContaining(Object.entries(memorySettings).map(([name, value]) => `${name}=${value}`)));
  });

  it.each(services)(
    'start %s as a user without rights, get it ready and stop it gently',
    async (service) => {
      const port = await freePort();
      const container = await create(service, { env: environmentOf(service, port), user: '10001:10001', binds: bindsOf(service) });
      const outcome = await until(`${service} is ready`, () => readyOrEnded(container, port), { within: 45_000, every: 200 });
      expect(outcome).toBe('ready');
      await docker.call('POST', `/containers/${container}/stop?t=12`, { timeoutMs: 30_000 });
      const { State } = await docker.call<{ State: { ExitCode: number } }>('GET', `/containers/${container}/json`);
      expect(State.ExitCode, await logsOf(container)).toBe(0);
    },
    90_000,
  );
});

/** `ready` once its health says so, its log once it has ended. */
async function readyOrEnded(container: string, port: number): Promise<string | undefined> {
  const { State } = await docker.call<{ State: { Running: boolean } }>('GET', `/containers/${container}/json`);
  if (!State.Running) return `ended: ${await logsOf(container)}`;
  return (await fetch(`http://127.0.0.1:${port}/health/ready`)).status === 200 ? 'ready' : undefined;
}

/** As docker-compose.yml gives it to the service, with the parts of the test. */
function environmentOf(service: string, port: number): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: String(port),
    KAFKA_BROKERS: process.env['KAFKA_BROKERS'] ?? '',
    DATABASE_URL_FILE: '/run/slipway/database-url',
    SLIPWAY_KEY_FILE: '/run/slipway/key.json',
    SLIPWAY_TRUST_FILE: '/run/slipway/trust.json',
    SLIPWAY_REGISTRY: process.env['SLIPWAY_REGISTRY'] ?? '',
    SLIPWAY_DATA_DIR: join(data, 'data', '{service}'),
    SLIPWAY_SECRETS_DIR: join(data, 'secrets'),
    SLIPWAY_TOPIC_PREFIX: `${id}.`,
    SLIPWAY_INSTALLATION: id,
    DOCKER_HOST: 'unix:///var/run/docker.sock',
    ...(service === 'notifier' ? { SLIPWAY_SMTP_URL: 'smtp://127.0.0.1:25' } : {}),
  };
}

function bindsOf(service: string): string[] {
  const socket = docker.host.replace('unix://', '');
  const mine = [`${data}/data/${service}`, `${data}/secrets/${service}`].map((folder) => `${folder}:${folder}`);
  const folders = [`${data}/setup/for/${service}:/run/slipway:ro`, ...mine, `${data}/data/prometheus:${data}/data/${service}/prometheus`];
  return [...folders, `${socket}:/var/run/docker.sock`];
}

async function create(
  service: string,
  how: { env: Record<string, string>; user: string; command?: string[]; binds: string[] },
): Promise<string> {
  const body = {
    Image: `${id}/${service}`,
    Env: Object.entries(how.env).map(([name, value]) => `${name}=${value}`),
    User: how.user,
    Labels: label,
    ...(how.command && { Cmd: how.command }),
    HostConfig: { NetworkMode: 'host', Binds: how.binds, GroupAdd: ['0'] },
  };
  const { Id } = await docker.call<{ Id: string }>('POST', '/containers/create', { body });
  await docker.call('POST', `/containers/${Id}/start`);
  return Id;
}

async function logsOf(container: string): Promise<string> {
  return String(await docker.call('GET', `/containers/${container}/logs?stdout=true&stderr=true&tail=30`));
}

function build(what: Omit<Parameters<typeof buildWithBuildKit>[1], 'labels'>): Promise<void> {
  return buildWithBuildKit(docker.host.replace('unix://', ''), { ...what, labels: label });
}

/** The tree is an image by now, so the other builds need nothing else. */
async function onlyDockerfile(): Promise<Readable> {
  const tar = pack();
  tar.entry({ name: 'deploy/docker/Dockerfile' }, await readFile(join(import.meta.dirname, '../../deploy/docker/Dockerfile')));
  tar.finalize();
  return tar as unknown as Readable;
}
