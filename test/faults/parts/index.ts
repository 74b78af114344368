import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { realParts, TcpProxy } from '@slipway/testkit';
import { Cleanup } from '../../../tools/parts/cleanup.ts';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { findCommand } from '../../../tools/parts/processes.ts';
import { startToxiproxy } from '../../../tools/parts/toxiproxy.ts';
import type { FaultKind, FaultyParts, StartFaultyParts } from '../fault.ts';
import { aBroker } from './a-broker.ts';
import { aPostgres } from './a-postgres.ts';
import { aRegistry } from './a-registry.ts';
import { anEngine, type HurtEngine } from './an-engine.ts';
import { aClock, faketimeLibrary } from './clocks.ts';
import { type Clocks, faultsOfClocks } from './faults-of-clocks.ts';
import { faultsOfDisks } from './faults-of-disks.ts';
import { faultsOfDocker, kindsOfOwnEngine } from './faults-of-docker.ts';
import { faultsOfKafka } from './faults-of-kafka.ts';
import { faultsOfNetwork } from './faults-of-network.ts';
import { faultsOfPostgres } from './faults-of-postgres.ts';
import { faultsOfRegistry } from './faults-of-registry.ts';
import { isOwnWorld } from './own-world.ts';
import { aSmallDisk, mayMount, type SmallDisk } from './small-disk.ts';
import { inTurn } from './turns.ts';
import { openWays, portsOfWays, type WayPorts } from './ways.ts';

/**
 * The real parts of a run that may be hurt: Postgres, Kafka and a registry of its own, and, in a world of its own, a Docker Engine; each service has a way of its own to each, and a
 * clock. What cannot be had (no root, no faketime) is in `missing`.
 */
export const startFaultyParts: StartFaultyParts = async ({ dataDir, say }) => {
  const cleanup = new Cleanup();
  try {
    return await start(dataDir, cleanup, say);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
};

/** Services whose work on disk lies on one small disk: mirrors of repositories and what is sent to be built. The others keep only what they are told to. */
const onSmallDisk: readonly Service[] = ['source-watcher', 'image-builder'];

async function start(dataDir: DataDir, cleanup: Cleanup, say: (text: string) => void): Promise<FaultyParts> {
  const clocks = await clocksOf(dataDir);
  const ports = await portsOfWays();
  const postgres = await aPostgres(dataDir, clocks?.postgres, true);
  cleanup.defer('stop Postgres', () => postgres.stop());
  const broker = await aBroker(dataDir, (service) => ports[service].kafka);
  cleanup.defer('stop Kafka', () => broker.stop());
  const registry = await aRegistry(dataDir);
  cleanup.defer('stop the registry', () => registry.stop());
  const { address, engine, host } = await docker(dataDir, cleanup, say);
  const disk = mayMount ? await aSmallDisk(join(dataDir.path, 'work'), 256) : undefined;
  if (disk !== undefined) cleanup.defer('unmount the disk', () => disk.remove());
  const toxiproxy = await startToxiproxy(dataDir);
  cleanup.defer('stop toxiproxy', () => toxiproxy.stop());
  const server = new URL(postgres.url);
  const ways = await openWays(toxiproxy, ports, { postgres: server.host, docker: address, registry: registry.url, kafka: broker.ends });
  const missing = [
    ...(postgres.disk === undefined ? ['postgres disk full: only root may mount a small disk'] : []),
    ...(disk === undefined ? ['disk of services full: only root may mount a small disk'] : []),
    ...(clocks === undefined ? ['clock of a service jumps: faketime is not installed'] : []),
    ...(engine === undefined ? kindsOfOwnEngine.map((kind) => `${kind}: only root, with dockerd, may have an Engine of its own`) : []),
  ];
  for (const kind of missing) say(kind);
  const kinds: FaultKind[] = [
    ...faultsOfPostgres(postgres, ways),
    ...faultsOfKafka(broker, ways),
    ...faultsOfDocker(engine, ways),
    ...faultsOfRegistry(registry, ways),
    ...faultsOfNetwork(ways),
    ...(clocks === undefined ? [] : faultsOfClocks(clocks, postgres)),
    ...(disk === undefined ? [] : faultsOfDisks(disk, onSmallDisk)),
  ];
  // The ways are each service's own, given with its settings: what is the same for all is straight, but for the registry.
  const common = { kafkaBrokers: [broker.url], dockerHost: host, through: (url: string) => url };
  return {
    parts: { ...common, registry: `127.0.0.1:${ways.registry.port}` },
    straight: { ...common, registry: registry.url },
    databaseUrl: postgres.url,
    settings: (service, _, usual) => settings({ service, usual, ports, clocks, disk }),
    kinds: inTurn(kinds),
    missing,
    killAll: async () => {
      await Promise.all([postgres.kill('SIGKILL'), broker.send('SIGKILL'), registry.kill(), engine?.end('SIGKILL')]);
    },
    startAll: async () => {
      await Promise.all([postgres.start(), broker.start(), registry.start(), engine?.start()]);
    },
    close: async () => {
      const left = await cleanup.run();
      if (left.length > 0) throw new Error(`left behind of the parts: ${left.join('; ')}`);
    },
  };
}

interface Given {
  readonly service: Service;
  readonly usual: Readonly<Record<string, string>>;
  readonly ports: WayPorts;
  readonly clocks: Clocks | undefined;
  readonly disk: SmallDisk | undefined;
}

function settings({ service, usual, ports, clocks, disk }: Given): Record<string, string> {
  const own = ports[service];
  const database = new URL(usual['DATABASE_URL'] ?? '');
  database.host = `127.0.0.1:${own.postgres}`;
  return {
    DATABASE_URL: database.href,
    KAFKA_BROKERS: `127.0.0.1:${own.kafka}`,
    DOCKER_HOST: `tcp://127.0.0.1:${own.docker}`,
    ...(disk !== undefined && onSmallDisk.includes(service) && { SLIPWAY_DATA_DIR: disk.path }),
    ...clocks?.of[service].env,
  };
}

async function docker(
  dataDir: DataDir,
  cleanup: Cleanup,
  say: (text: string) => void,
): Promise<{ address: string; engine?: HurtEngine; host: string }> {
  if (isOwnWorld && findCommand('dockerd') !== undefined) {
    const engine = await anEngine(dataDir);
    cleanup.defer('stop Docker', () => engine.stop(), 90_000);
    return { address: engine.address, engine, host: `tcp://${engine.address}` };
  }
  say('not in a world of its own: the Docker Engine of this machine is used and never ended');
  const proxy = await TcpProxy.to({ path: realParts().dockerSocket });
  cleanup.defer('close the way to Docker', () => proxy.close());
  return { address: `127.0.0.1:${proxy.port}`, host: `unix://${realParts().dockerSocket}` };
}

async function clocksOf(dataDir: DataDir): Promise<Clocks | undefined> {
  const library = await faketimeLibrary();
  if (library === undefined) return undefined;
  const folder = await dataDir.folder('clocks');
  const of = {} as Record<Service, Clocks['postgres']>;
  for (const service of services) of[service] = await aClock(library, folder, service);
  return { of, postgres: await aClock(library, folder, 'postgres') };
}
