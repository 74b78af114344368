import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Server } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import { BuildStarted, DeploymentStarted, type EventDefinition, ImageBuilt, RolloutStarted, RolloutSucceeded } from '@slipway/contracts';
import { realParts, TcpProxy } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { startKafka } from '../../tools/parts/kafka.ts';
import { aSuite, byPolicy, type SuiteOptions } from '../e2e/a-suite.js';

/** How long a part is away: what the suite must stand at any point without losing a release or failing one. */
const awayMs = 60_000;

interface Outage {
  readonly options: SuiteOptions;
  cut(): Promise<void> | void;
  mend(): Promise<void> | void;
  close(): Promise<void> | void;
}

/** A release goes live; the next one finds a part away for a minute from this event on, and goes live all the same, once. */
async function survives(outage: Outage, at: EventDefinition): Promise<void> {
  const suite = await aSuite(outage.options);
  try {
    const { stage, repository, project } = suite;
    const live = (number: number, within: number) =>
      stage.hears(RolloutSucceeded, (data) => data.release.project === project && data.release.number === number, within);
    await suite.apply({ environments: byPolicy });
    await live(1, 90_000);
    await repository.commit('two');
    await stage.hears(at, (data) => (data as { release: { number: number } }).release.number === 2, 90_000);
    await outage.cut();
    await pass(awayMs);
    await outage.mend();
    const second = await live(2, 120_000);
    expect(await (await fetch(second.address)).text()).toBe('two');
    expect(stage.heard.map((event) => event.name).filter((name) => /failed|aborted|cancelled|dead-lettered|drifted/.test(name))).toEqual(
      [],
    );
    expect(stage.heard.filter((event) => event.name === RolloutSucceeded.name)).toHaveLength(2);
  } finally {
    await suite.clear();
    await outage.close();
  }
}

/** The Docker socket by TCP, so that a proxy can take it away. */
async function socketByTcp(): Promise<{ port: number; server: Server }> {
  const server = createServer((client) => {
    const socket = dial(realParts().dockerSocket);
    client.pipe(socket).pipe(client);
    for (const end of [client, socket]) end.on('error', () => [client.destroy(), socket.destroy()]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

describe.concurrent('a minute without', () => {
  it('Postgres, from the first step of a rollout on', { timeout: 400_000 }, async () => {
    const { proxy, through } = await TcpProxy.before(realParts().databaseUrl);
    const behind = (url: string) => {
      const own = new URL(url);
      own.host = new URL(through).host;
      return own.href;
    };
    const options: SuiteOptions = { ports: '21000-21099', settings: (stage) => ({ DATABASE_URL: behind(stage.database.url) }) };
    await survives({ options, cut: () => proxy.refuse(), mend: () => proxy.restore(), close: () => proxy.close() }, RolloutStarted);
  });

  it('the Docker Engine, while an image is built', { timeout: 400_000 }, async () => {
    const { port, server } = await socketByTcp();
    const proxy = await TcpProxy.to({ host: '127.0.0.1', port });
    const through = `tcp://127.0.0.1:${proxy.port}`;
    const close = async () => {
      await proxy.close();
      server.close();
    };
    await survives(
      {
        options: { ports: '21100-21199', settings: () => ({ DOCKER_HOST: through }) },
        cut: () => proxy.refuse(),
        mend: () => proxy.restore(),
        close,
      },
      BuildStarted,
    );
  });

  it('the registry, when a test environment wants the image', { timeout: 400_000 }, async () => {
    const [host = '', port] = realParts().registry.split(':');
    const proxy = await TcpProxy.to({ host, port: Number(port) });
    const options: SuiteOptions = { ports: '21200-21299', registry: `127.0.0.1:${proxy.port}` };
    await survives({ options, cut: () => proxy.refuse(), mend: () => proxy.restore(), close: () => proxy.close() }, ImageBuilt);
  });

  it('Kafka, while a test environment changes', { timeout: 400_000 }, async () => {
    const data = await temporaryDataDir('outage');
    const start = () => {
      const named = process.env['KAFKA_BROKERS'];
      delete process.env['KAFKA_BROKERS'];
      const starting = startKafka(data, { heapMiB: 256 });
      if (named !== undefined) process.env['KAFKA_BROKERS'] = named;
      return starting;
    };
    let broker = await start();
    const close = async () => {
      await broker.stop();
      await data.close();
    };
    const mend = async () => {
      broker = await start();
    };
    await survives(
      { options: { ports: '21300-21399', kafkaBrokers: [broker.url] }, cut: () => broker.stop(), mend, close },
      DeploymentStarted,
    );
  });
});
