import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import type { DataDir } from './data-dir.ts';
import { findDocker } from './docker.ts';
import { startImage } from './images.ts';
import { kafkaAt } from './kafka-access.ts';
import { kafkaJars } from './kafka-jars.ts';
import type { OwnPart, Part } from './part.ts';
import { freePortLike } from './ports.ts';
import { findCommand, startProcess } from './processes.ts';
import { until } from './until.ts';

const run = promisify(execFile);
const image = 'apache/kafka:4.1.0';

/** How our own broker is run, where KAFKA_BROKERS names none. */
export interface OwnKafka {
  /** Heap in MiB: 256 is enough for tests and demo. */
  heapMiB: number;
}

/**
 * Uses the brokers KAFKA_BROKERS names, else runs one Apache Kafka broker in KRaft mode on the loopback address: from its published jars where Java is,
 * else from its image.
 */
export async function startKafka(dataDir: DataDir, own: OwnKafka): Promise<Part> {
  const named = process.env['KAFKA_BROKERS'];
  if (named) {
    await until('the Kafka named by KAFKA_BROKERS answers', () => answers(named), { within: 15_000, every: 500 });
    return { name: 'kafka', url: named, ours: false, stop: async () => {} };
  }
  const port = await freePortLike(Number(await dataDir.remembered('kafka-port')) || undefined, dataDir.temporary ? undefined : 9092);
  await dataDir.remember('kafka-port', String(port));
  const java = findCommand('java');
  return java === undefined ? fromImage(dataDir, port) : fromJars(dataDir, java, port, own);
}

async function fromJars(dataDir: DataDir, java: string, port: number, own: OwnKafka): Promise<Part> {
  const settings = await brokerSettings(port, join(await dataDir.folder('kafka'), 'log'));
  return runBroker(dataDir, java, { name: 'kafka', heapMiB: own.heapMiB, settings, port });
}

/** A broker to run from the published jars. */
export interface Broker {
  /** Of its folder, its log and its process. */
  name: string;
  heapMiB: number;
  settings: Record<string, string>;
  /** Further arguments of the command that formats its storage, such as its first users. */
  formatWith?: readonly string[];
  /** Of a listener on the loopback address that wants neither TLS nor a password, by which it is told that the broker answers. */
  port: number;
}

/** Starts it and waits until it answers; its storage is formatted the first time. */
export async function runBroker(dataDir: DataDir, java: string, broker: Broker): Promise<OwnPart> {
  const jars = await kafkaJars(findCommand('mvn'));
  const data = await dataDir.folder(broker.name);
  const properties = join(data, 'server.properties');
  await writeFile(properties, toProperties(broker.settings), { mode: 0o600 });
  const classpath = ['-cp', join(jars, '*')];
  if (!existsSync(join(broker.settings['log.dirs'] ?? '', 'meta.properties'))) {
    // Joined to its option: an id may begin with a dash.
    const id = randomBytes(16).toString('base64url');
    const format = ['format', `--cluster-id=${id}`, '-c', properties, ...(broker.formatWith ?? [])];
    await run(java, [...smallJvm(64), ...classpath, 'kafka.tools.StorageTool', ...format], { timeout: 60_000, cwd: data });
  }
  const args = [...smallJvm(broker.heapMiB), ...classpath, 'kafka.Kafka', properties];
  // It takes seconds to leave in order; what is thrown away afterwards needs none.
  const stopSignal = dataDir.temporary ? 'SIGKILL' : 'SIGTERM';
  const process = await startProcess(dataDir, { name: broker.name, command: java, args, cwd: data, stopSignal, graceMs: 15_000 });
  const url = `127.0.0.1:${broker.port}`;
  try {
    await until('the Kafka broker answers', () => answers(url), { within: 90_000, stillWorthIt: process.assertRunning });
  } catch (error) {
    await process.stop();
    throw error;
  }
  return { name: 'kafka', url, ours: true, stop: () => process.stop(), process };
}

async function fromImage(dataDir: DataDir, port: number): Promise<Part> {
  const docker = await findDocker();
  if (docker === undefined)
    throw new Error(
      'Kafka needs Java 17 and Maven (or Docker, for its image). Install openjdk-17-jre-headless and maven, or name a Kafka in KAFKA_BROKERS.',
    );
  const settings = await brokerSettings(port, '/tmp/kraft-logs');
  settings['listeners'] = 'PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093';
  settings['controller.quorum.voters'] = '1@127.0.0.1:9093';
  const env = Object.entries(settings).map(([key, value]) => `KAFKA_${key.toUpperCase().replaceAll('.', '_')}=${value}`);
  const container = await startImage(docker, {
    name: 'kafka',
    image,
    env: [...env, 'KAFKA_HEAP_OPTS=-Xmx256m'],
    ports: { [port]: 9092 },
    dataDir,
  });
  const url = `127.0.0.1:${port}`;
  try {
    await until('the Kafka broker answers', () => answers(url), { within: 90_000 });
  } catch (error) {
    await container.stop();
    throw error;
  }
  return { name: 'kafka', url, ours: true, stop: container.stop };
}

/** One node that is broker and controller, with small buffers; topics are only ever made on purpose. */
export async function brokerSettings(port: number, logs: string): Promise<Record<string, string>> {
  const controller = await freePortLike();
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': logs,
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    // One that was killed is let in again once it is believed dead: 9 s where nothing is said.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
    'log.index.size.max.bytes': String(1024 * 1024),
    'num.network.threads': '2',
    'num.io.threads': '4',
    'metrics.num.samples': '1',
  };
}

function smallJvm(heapMiB: number): string[] {
  return [
    `-Xmx${heapMiB}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xshare:auto',
    '-XX:-UsePerfData',
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  ];
}

/** A file of Java properties: Latin-1, whatever else is in it escaped. */
function toProperties(settings: Record<string, string>): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const line = ([key, value]: [string, string]) => `${key}=${value.replaceAll('\\', '\\\\').replaceAll(/[^ -~]/g, escaped)}\n`;
  return Object.entries(settings).map(line).join('');
}

/** True when the cluster has a broker and a controller: from then on topics can be made. */
async function answers(brokers: string): Promise<boolean> {
  const kafka = new Kafka({
    clientId: 'slipway-tools',
    ...kafkaAt(brokers),
    connectionTimeout: 2000,
    requestTimeout: 5000,
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.brokers.length > 0 && cluster.controller !== null;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
