import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Database, schemaOf } from '@slipway/postgres';
import { realParts, TcpProxy } from '@slipway/testkit';
import type { TestProject } from 'vitest/node';
import { aSuiteOfProcesses, type SuiteOfProcesses } from '../faults/a-suite-of-processes.js';
import './attacked.ts';

/** Starts the suite that every case attacks, once, and ends it when all are done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { proxy, through } = await TcpProxy.before(realParts().databaseUrl);
  const outage = await listening(proxy);
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
  project.provide('attacked', {
    gatewayUrl: environment.gatewayUrl,
    otherGatewayUrl: environment.urlOf('gateway', 2),
    outageUrl: `http://127.0.0.1:${(outage.address() as AddressInfo).port}`,
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
    const names = await projectsOf(suite).catch(() => []);
    await suite.clear();
    for (const name of names) await removeImages(suite, name);
    await proxy.close();
    await new Promise((resolve) => outage.close(resolve));
  };
}

function at(url: string, host: string): string {
  const changed = new URL(url);
  changed.host = host;
  return changed.href;
}

/** Specs run in threads of their own: there the database is taken away by a call, `POST /refuse`, and given back by `POST /restore`. */
async function listening(proxy: TcpProxy): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/refuse') proxy.refuse();
    else proxy.restore();
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
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
