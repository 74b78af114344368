import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import type { Cleanup } from '../../tools/parts/cleanup.ts';
import { temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { startParts } from '../../tools/parts/index.ts';
import { Mailbox } from './a-mailbox.ts';
import { Receiver } from './a-receiver.js';
import { aSuiteOfProcesses, type SuiteOfProcesses, theRealOnes } from './a-suite-of-processes.js';
import { Board } from './crash/board.ts';
import type { FaultyParts } from './fault.js';
import type { Straight } from './judging.ts';
import { startFaultyParts } from './parts/index.ts';

export interface GroundWish {
  readonly replicas: number;
  readonly cleanup: Cleanup;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** What a run stands on. */
export interface Ground {
  readonly suite: SuiteOfProcesses;
  readonly board: Board;
  readonly receiver: Receiver;
  /** Past whatever stands in front of the parts for the services. */
  readonly straight: Straight;
}

/** The suite on parts that can be hurt. Everything is given back by `cleanup`. */
export async function faultyGround(wish: GroundWish): Promise<Ground & { readonly parts: FaultyParts }> {
  const { cleanup, say, signal } = wish;
  const dataDir = await temporaryDataDir('faults');
  cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  const parts = await startFaultyParts({ dataDir, say, signal });
  cleanup.defer('stop the parts', () => parts.close(), 120_000);
  signal.throwIfAborted();
  const { kafkaBrokers, registry, dockerHost } = parts.straight;
  // What the tests' own clients use: straight, whatever stands in front of the services.
  Object.assign(process.env, {
    DATABASE_URL: parts.databaseUrl,
    KAFKA_BROKERS: kafkaBrokers.join(','),
    SLIPWAY_REGISTRY: registry,
    DOCKER_HOST: dockerHost,
  });
  return { ...(await ground(wish, parts)), parts };
}

/** The suite on the parts the environment names, or that are started for it: for what hurts only processes. */
export async function plainGround(wish: GroundWish): Promise<Ground> {
  const dataDir = await temporaryDataDir('faults');
  wish.cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  const { env } = await startParts({ dataDir, durable: false, dockerKind: 'apart', kafkaHeapMiB: 384, cleanup: wish.cleanup });
  wish.signal.throwIfAborted();
  Object.assign(process.env, env);
  const mailbox = await Mailbox.start();
  wish.cleanup.defer('stop the mail server', () => mailbox.stop());
  return await ground(wish, undefined, { mail: mailbox.settings, hastened: ['gateway'] });
}

async function ground(
  { replicas, cleanup, signal, say }: GroundWish,
  parts?: FaultyParts,
  { mail = {}, hastened = [] }: { mail?: Record<string, string>; hastened?: readonly Service[] } = {},
): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-points-'));
  cleanup.defer(`remove ${folder}`, () => rm(folder, { recursive: true, force: true }));
  const board = new Board(folder);
  const receiver = await Receiver.start();
  cleanup.defer('stop the receiver', () => receiver.stop());
  const suite = await aSuiteOfProcesses({
    ports: '25000-25999',
    settings: { ...Object.fromEntries(hastened.map((service) => [service, board.hastened])), notifier: { ...receiver.settings, ...mail } },
    replicas,
    all: board.settings,
    ...(parts && { parts: parts.parts, ofReplica: (service, replica, usual) => settingsOf(parts, service, replica, usual) }),
    tell: (text) => say(text.split('\n')[0] ?? ''),
    stillWorthIt: () => signal.throwIfAborted(),
  });
  cleanup.defer('stop the suite', () => suite.clear(), 180_000);
  return { suite, board, receiver, straight: parts?.straight ?? theRealOnes() };
}

/** Secrets stay where the load puts them, wherever a part lets a service work. */
function settingsOf(
  parts: FaultyParts,
  service: Service,
  replica: number,
  usual: Readonly<Record<string, string>>,
): Record<string, string> {
  const secrets = { SLIPWAY_SECRETS_DIR: join(usual['SLIPWAY_DATA_DIR'] ?? '', 'secrets') };
  return { ...secrets, ...parts.settings(service, replica, { ...usual, ...secrets }) };
}
