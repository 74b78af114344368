import { join } from 'node:path';
import { realParts, TcpProxy } from '@slipway/testkit';
import { temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { brokerSettings, runBroker } from '../../tools/parts/kafka.ts';
import { freePorts } from '../../tools/parts/ports.ts';
import { findCommand } from '../../tools/parts/processes.ts';
import type { PartsOfSuite } from './a-suite-of-processes.js';

export const partNames = ['the Docker Engine', 'the registry', 'Postgres', 'Kafka'] as const;
export type PartName = (typeof partNames)[number];

/** The real parts, each of which may be taken away and given back: Kafka is a broker of its own, the others are reached by a proxy. */
export interface PartsToTakeAway {
  readonly parts: PartsOfSuite;
  cut(part: PartName): Promise<void>;
  mend(part: PartName): Promise<void>;
  /** Resolves when somebody begins to push a layer to this repository. */
  pushTo(repository: string): Promise<void>;
  close(): Promise<void>;
}

export async function partsToTakeAway(): Promise<PartsToTakeAway> {
  const [host = '', port] = realParts().registry.split(':');
  const database = await TcpProxy.before(realParts().databaseUrl);
  const registry = await TcpProxy.to({ host, port: Number(port) });
  const docker = await TcpProxy.to({ path: realParts().dockerSocket });
  const proxies = { Postgres: database.proxy, 'the Docker Engine': docker, 'the registry': registry };
  const kafka = await aBroker();
  return {
    parts: {
      kafkaBrokers: [kafka.url],
      registry: `127.0.0.1:${registry.port}`,
      dockerHost: `tcp://127.0.0.1:${docker.port}`,
      through: (url) => {
        const own = new URL(url);
        own.host = new URL(database.through).host;
        return own.href;
      },
    },
    cut: async (part) => (part === 'Kafka' ? kafka.stop() : proxies[part].refuse()),
    mend: async (part) => (part === 'Kafka' ? kafka.start() : proxies[part].restore()),
    pushTo: (repository) => registry.sees(new RegExp(`POST /v2/${repository}/blobs/uploads/`)),
    close: async () => {
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
      await kafka.close();
    },
  };
}

/** A Kafka broker that comes back with what it had. */
async function aBroker() {
  const java = findCommand('java');
  if (java === undefined) throw new Error('Kafka that can be taken away needs Java');
  const data = await temporaryDataDir('outage');
  const [port = 0] = await freePorts(1);
  const settings = await brokerSettings(port, join(await data.folder('kafka'), 'log'));
  const run = () => runBroker(data, java, { name: 'kafka', heapMiB: 256, settings, port });
  let broker = await run();
  const stop = () => broker.stop();
  const start = async () => {
    broker = await run();
  };
  const close = async () => {
    await stop();
    await data.close();
  };
  return { url: broker.url, stop, start, close };
}
