import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { DataDir } from '../../../tools/parts/data-dir.ts';
import { brokerSettings, runBroker } from '../../../tools/parts/kafka.ts';
import { freePorts } from '../../../tools/parts/ports.ts';
import { findCommand } from '../../../tools/parts/processes.ts';
import { stepsInTurn } from './steps-in-turn.ts';

/** A Kafka broker to be hurt, which comes back with what it had. */
export interface HurtBroker {
  /** Straight. */
  readonly url: string;
  /** Where each service's way ends: a listener that names the way as the broker's address. */
  readonly ends: Readonly<Record<Service, string>>;
  send(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Starts it where it has ended. */
  start(): Promise<void>;
  administer<T>(fn: (admin: Admin) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** `advertised` is the port at which each service believes it to be. */
export async function aBroker(dataDir: DataDir, advertised: (service: Service) => number): Promise<HurtBroker> {
  const java = findCommand('java');
  if (java === undefined) throw new Error('Kafka that can be hurt needs Java');
  const [port = 0, ...own] = await freePorts(1 + services.length);
  const settings = await brokerSettings(port, join(await dataDir.folder('kafka'), 'log'));
  const nameOf = (service: Service): string => service.replaceAll('-', '_').toUpperCase();
  const listeners = services.map((service, at) => `${nameOf(service)}://127.0.0.1:${own[at]}`);
  const known = services.map((service) => `${nameOf(service)}://127.0.0.1:${advertised(service)}`);
  settings['listeners'] = [settings['listeners'], ...listeners].join(',');
  settings['advertised.listeners'] = [settings['advertised.listeners'], ...known].join(',');
  const plain = services.map((service) => `${nameOf(service)}:PLAINTEXT`);
  settings['listener.security.protocol.map'] = [settings['listener.security.protocol.map'], ...plain].join(',');
  settings['inter.broker.listener.name'] = 'PLAINTEXT';
  const run = () => runBroker(dataDir, java, { name: 'kafka', heapMiB: 384, settings, port });
  let broker = await run();
  const inTurn = stepsInTurn();
  const kafka = () =>
    new Kafka({ clientId: 'fault', brokers: [broker.url], logLevel: logLevel.NOTHING, connectionTimeout: 5000, retry: { retries: 3 } });
  return {
    url: broker.url,
    ends: Object.fromEntries(services.map((service, at) => [service, `127.0.0.1:${own[at]}`])) as Record<Service, string>,
    send: (signal) =>
      inTurn(async () => {
        if (!broker.process.running) return;
        process.kill(broker.process.pid, signal);
        if (signal === 'SIGKILL') await broker.process.exited;
      }),
    start: () =>
      inTurn(async () => {
        if (!broker.process.running) broker = await run();
      }),
    administer: async (fn) => {
      const admin = kafka().admin();
      await admin.connect();
      try {
        return await fn(admin);
      } finally {
        await admin.disconnect();
      }
    },
    stop: () => broker.stop(),
  };
}
