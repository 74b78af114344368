import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { cornerOf, giveBack } from '../../tools/parts/borrowed.ts';
import type { Cleanup } from '../../tools/parts/cleanup.ts';
import { type DataDir, temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { type Parts, startParts } from '../../tools/parts/index.ts';
import { startKafka } from '../../tools/parts/kafka.ts';
import { freePort } from '../../tools/parts/ports.ts';
import { startProcess } from '../../tools/parts/processes.ts';
import { until } from '../../tools/parts/until.ts';
import { prepareEnvironment, type SuiteEnvironment } from '../../tools/suite/environment.ts';
import { type Kept, keepRunning } from '../../tools/suite/keep-running.ts';
import { mainOf } from '../../tools/suite/services.ts';
import { compiledCopy } from '../faults/compiled-copy.ts';

/** The services whose port to the outside is a stand-in's; each has a main of its own in stand-ins/. */
const standIns: readonly Service[] = ['image-builder', 'test-deployer', 'production-rollout'];
const kafkaHeapMiB = 512;
/** A build is 10 ms of waiting here: what it costs shall not be how many may run at once. */
const buildsAtOnce = 16;
const readyMs = 90_000;

/** The suite with its parts: every service one process, Postgres and Kafka our own, the registry real, builder and target stand-ins. */
export interface Ground {
  readonly dataDir: DataDir;
  readonly parts: Parts;
  readonly environment: SuiteEnvironment;
  readonly repositories: string;
  readonly names: { readonly installation: string; readonly topicPrefix: string };
  readonly processes: readonly Kept[];
  /** Of the stand-in target, a line of JSON a change. */
  readonly targetHistory: string;
  /** Where a service that is asked to collect says what it holds. */
  readonly memory: string;
  /** kill -9 of the broker, and a new one on the same log. */
  restartBroker(): Promise<void>;
}

export interface GroundWish {
  readonly cleanup: Cleanup;
  readonly stillWorthIt: () => void;
  readonly tell: (text: string) => void;
  /** For Node, by service: `--cpu-prof`, say. */
  readonly nodeOptions?: readonly string[];
}

/** Starts everything, ready. */
export async function makeGround({ cleanup, stillWorthIt, tell, nodeOptions = [] }: GroundWish): Promise<Ground> {
  // Somebody else's Postgres may run without fsync; somebody else's broker is not ours to restart.
  delete process.env['DATABASE_URL'];
  delete process.env['KAFKA_BROKERS'];
  delete process.env['SLIPWAY_REGISTRY'];
  const dataDir = await temporaryDataDir('growth');
  cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  const checkout = await compiledCopy(await dataDir.folder('checkout'));
  const started = await startParts({
    dataDir,
    durable: true,
    postgresSettings: measuring,
    dockerKind: 'apart',
    kafkaHeapMiB,
    cleanup,
    onUp: (part, seconds) => tell(`${part.name} ${part.ours ? 'started' : 'found running'} after ${seconds.toFixed(1)} s`),
  });
  const installation = `growth-${randomBytes(3).toString('hex')}`;
  const names = { installation, topicPrefix: `${installation}.`, repository: `${started.registry.url}/${installation}/app` };
  cleanup.defer('give back what was used in parts that are not ours', () => giveBack(dataDir.path), 60_000);
  const parts = await cornerOf(dataDir, started, names);
  const target = await startTarget(dataDir, cleanup);
  const all = {
    SLIPWAY_TOPIC_PREFIX: names.topicPrefix,
    SLIPWAY_INSTALLATION: installation,
    SLIPWAY_BUILD_CONCURRENCY: String(buildsAtOnce),
    GROWTH_CHECKOUT: checkout,
    GROWTH_TARGET: target.url,
    GROWTH_MEMORY: await dataDir.folder('memory'),
  };
  const environment = await prepareEnvironment(dataDir, parts, { all });
  const processes: Kept[] = [];
  cleanup.defer('stop the services', async () => void (await Promise.all(processes.map((each) => each.stop()))));
  for (const service of services) {
    const main = standIns.includes(service) ? join(import.meta.dirname, 'stand-ins', `${service}.ts`) : mainOf(service, checkout);
    const spec = {
      name: service,
      command: process.execPath,
      args: [`--import=${join(import.meta.dirname, 'collecting.mjs')}`, ...nodeOptions, main],
      env: environment.of(service),
      cwd: dataDir.path,
    };
    processes.push(await keepRunning(dataDir, { ...spec, graceMs: 12_000 }, () => {}));
  }
  for (const service of services) await ready(service, environment, stillWorthIt);
  tell('all services are ready');
  const restartBroker = async () => {
    await parts.kafka.stop();
    const again = await startKafka(dataDir, { heapMiB: kafkaHeapMiB });
    cleanup.defer('stop the broker that was started again', () => again.stop(), 60_000);
  };
  const repositories = await dataDir.folder('repositories');
  return {
    dataDir,
    parts,
    environment,
    names,
    repositories,
    processes,
    targetHistory: target.history,
    memory: all.GROWTH_MEMORY,
    restartBroker,
  };
}

/** What Postgres keeps for us: when each transaction was committed, and what each statement took. */
const measuring = [
  'track_commit_timestamp=on',
  'shared_preload_libraries=pg_stat_statements',
  'pg_stat_statements.track_planning=on',
  'log_min_duration_statement=1000',
  'log_lock_waits=on',
];

async function startTarget(dataDir: DataDir, cleanup: Cleanup): Promise<{ url: string; history: string }> {
  const port = await freePort();
  const history = join(dataDir.path, 'target.jsonl');
  const args = [join(import.meta.dirname, 'stand-ins', 'target.ts'), String(port), history];
  const target = await startProcess(dataDir, { name: 'stand-in-target', command: process.execPath, args });
  cleanup.defer('stop the stand-in target', () => target.stop());
  return { url: `http://127.0.0.1:${port}/`, history };
}

/** Waits until a service says so. */
export async function ready(service: Service, { ports }: SuiteEnvironment, stillWorthIt: () => void): Promise<void> {
  const isReady = async () => (await fetch(`http://127.0.0.1:${ports[service]}/health/ready`, { signal: AbortSignal.timeout(5000) })).ok;
  await until(`${service} is ready`, isReady, { within: readyMs, stillWorthIt });
}
