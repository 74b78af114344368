import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Corner, cornerOf, giveBack } from '../../tools/parts/borrowed.ts';
import type { Cleanup } from '../../tools/parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { type Parts, startParts } from '../../tools/parts/index.ts';
import { freePort } from '../../tools/parts/ports.ts';
import { type Child, startProcess } from '../../tools/parts/processes.ts';
import { until } from '../../tools/parts/until.ts';
import { prepareEnvironment, type SuiteEnvironment } from '../../tools/suite/environment.ts';
import { type Suite, startSuite } from '../../tools/suite/suite.ts';

/** Where everything is measured: the parts, and what a suite needs to be started in them. */
export interface Place {
  readonly dataDir: DataDir;
  readonly parts: Parts;
  readonly names: Corner;
  readonly environment: SuiteEnvironment;
  readonly cleanup: Cleanup;
  readonly stillWorthIt: () => void;
}

/** Brings the parts up: a durable Postgres that is ours in every case, the others ours or as the environment names them. */
export async function makePlace(cleanup: Cleanup, stillWorthIt: () => void, tell: (text: string) => void): Promise<Place> {
  // Somebody else's may run without fsync, and is busy with somebody else.
  delete process.env['DATABASE_URL'];
  const dataDir = await temporaryDataDir('bench');
  cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  const parts = await startParts({
    dataDir,
    durable: true,
    dockerKind: 'apart',
    kafkaHeapMiB: 512,
    cleanup,
    onUp: (part, seconds) => tell(`${part.name} ${part.ours ? 'started' : 'found running'} after ${seconds.toFixed(1)} s`),
  });
  const installation = `bench-${randomBytes(3).toString('hex')}`;
  const names = { installation, topicPrefix: `${installation}.`, repository: `${parts.registry.url}/${installation}/shop` };
  cleanup.defer('give back what was used in parts that are not ours', () => giveBack(dataDir.path), 60_000);
  const corner = await cornerOf(dataDir, parts, names);
  const all = { SLIPWAY_TOPIC_PREFIX: names.topicPrefix, SLIPWAY_INSTALLATION: installation };
  const environment = await prepareEnvironment(dataDir, corner, { all });
  return { dataDir, parts: corner, names, environment, cleanup, stillWorthIt };
}

/** The suite, each service its own process, ready; stopped by `cleanup`. Tells how long each service took, in ms. */
export async function startServices(
  place: Place,
  cleanup: Cleanup,
  took: (service: string, ms: number) => void = () => {},
): Promise<Suite> {
  const begun = performance.now();
  const { dataDir, environment, stillWorthIt } = place;
  return await startSuite({
    dataDir,
    environment,
    oneProcess: false,
    cleanup,
    tell: (message) => process.stderr.write(`${message}\n`),
    onReady: (service) => took(service, performance.now() - begun),
    stillWorthIt,
  });
}

/** A bare Nest process with the same clients, ready. */
export async function startBareNest(place: Place): Promise<Child> {
  const port = await freePort();
  const child = await startProcess(place.dataDir, {
    name: 'bare-nest',
    command: process.execPath,
    args: [join(import.meta.dirname, 'bare-nest.mjs')],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      DATABASE_URL: place.parts.postgres.url,
      KAFKA_BROKERS: place.parts.kafka.url,
      TOPIC_PREFIX: place.names.topicPrefix,
      PORT: String(port),
    },
  });
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).ok;
  await until('the bare Nest process is ready', isReady, { within: 60_000, every: 20, stillWorthIt: child.assertRunning });
  return child;
}
