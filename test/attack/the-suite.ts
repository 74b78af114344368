import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database, schemaOf } from '@slipway/postgres';
import { realParts, TcpProxy } from '@slipway/testkit';
import type { TestProject } from 'vitest/node';
import { aSuiteOfProcesses, type SuiteOfProcesses } from '../faults/a-suite-of-processes.js';
import './attacked.ts';
import { Judging } from './judging.ts';

/** Starts the suite that every case attacks, once, and ends it when all are done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { proxy, through } = await TcpProxy.before(realParts().databaseUrl);
  const parts = {
    kafkaBrokers: realParts().kafkaBrokers,
    registry: realParts().registry,
    dockerHost: `unix://${realParts().dockerSocket}`,
    through: (url: string) => at(url, new URL(through).host),
  };
  const suite = await aSuiteOfProcesses({
    ports: '23400-23899',
    settings: { 'image-builder': { SLIPWAY_BUILD_PIDS: '256' } },
    replicas: 2,
    parts,
  });
  const { environment } = suite;
  const repositories = await mkdtemp(join(tmpdir(), 'slipway-attacked-'));
  const judging = await Judging.begin(suite, parts, repositories);
  const control = await listening(proxy, judging);
  const controlUrl = `http://127.0.0.1:${(control.address() as AddressInfo).port}`;
  project.provide('attacked', {
    gatewayUrl: environment.gatewayUrl,
    otherGatewayUrl: environment.urlOf('gateway', 2),
    outageUrl: controlUrl,
    judgeUrl: `${controlUrl}/judge`,
    repositories,
    ports: environment.ports,
    dataDir: suite.dataDir.path,
    trustFile: environment.trustFile,
    databaseUrl: suite.databaseUrl,
    topicPrefix: suite.topicPrefix,
    installation: suite.installation,
    administratorToken: suite.administratorToken,
    target: 'lab',
  });
  return async () => {
    proxy.restore();
    await judging.stop();
    const names = await projectsOf(suite).catch(() => []);
    await suite.clear();
    for (const name of names) await removeImages(suite, name);
    await proxy.close();
    await new Promise((resolve) => control.close(resolve));
    await rm(repositories, { recursive: true, force: true });
  };
}

function at(url: string, host: string): string {
  const changed = new URL(url);
  changed.host = host;
  return changed.href;
}

/** Specs run in threads of their own: there the database is taken away by a call, `POST /refuse`, and given back by `POST /restore`; `POST /judge` judges. */
async function listening(proxy: TcpProxy, judging: Judging): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/judge') return void answerWith(judging, response);
    if (request.url === '/refuse') proxy.refuse();
    else proxy.restore();
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function answerWith(judging: Judging, response: ServerResponse): Promise<void> {
  try {
    response.end(JSON.stringify(await judging.verdict()));
  } catch (error) {
    response.writeHead(500).end(error instanceof Error ? error.stack : String(error));
  }
}

/** Of the whole run: most were removed when their file ended. */
async function projectsOf({ databaseUrl }: SuiteOfProcesses): Promise<string[]> {
  const tables = await Database.connect({ url: databaseUrl, schema: schemaOf('gateway'), applicationName: 'attack' });
  try {
    return (await tables.query<{ name: string }>('select name from project')).map(({ name }) => name);
  } finally {
    await tables.close();
  }
}

async function removeImages({ engine }: SuiteOfProcesses, project: string): Promise<void> {
  for (const image of await engine.images.list({ labels: { 'dev.slipway.project': project } }))
    await engine.images.remove(image.id, { force: true }).catch(() => undefined);
}
