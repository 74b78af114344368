import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AddressesExhausted, Cancelled, DockerEngine, TimedOut, Unavailable } from './index.js';

describe('an engine that is not well', () => {
  let hanging: Server;
  beforeAll(async () => {
    hanging = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(hanging, 'listening');
  });
  afterAll(() => hanging.close());

  it('is Unavailable when it is away', async () => {
    await expect(DockerEngine.connect('unix:///nowhere.sock').ping()).rejects.toBeInstanceOf(Unavailable);
    await expect(DockerEngine.connect('tcp://127.0.0.1:1').info()).rejects.toBeInstanceOf(Unavailable);
  });

  it('is TimedOut when it accepts and never answers, and Cancelled when the caller gives up', async () => {
    const silent = DockerEngine.connect(`tcp://127.0.0.1:${(hanging.address() as AddressInfo).port}`, undefined, { timeoutMs: 200 });
    await expect(silent.containers.list()).rejects.toBeInstanceOf(TimedOut);
    await expect(silent.containers.list({}, { timeoutMs: 60_000, signal: AbortSignal.timeout(100) })).rejects.toBeInstanceOf(Cancelled);
  });

  it('is AddressesExhausted, and Unavailable, when it has none left for a network, and says what to do', async () => {
    const said = [
      [404, 'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network'],
      [400, 'all predefined address pools have been fully subnetted'],
    ] as const;
    for (const [status, message] of said) {
      const full = createHttpServer((_, answer) => {
        answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
      }).listen(0, '127.0.0.1');
      onTestFinished(() => void full.close());
      await once(full, 'listening');
      const { networks } = DockerEngine.connect(`tcp://127.0.0.1:${(full.address() as AddressInfo).port}`);
      const refused = await networks.create({ name: 'one-more' }).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(AddressesExhausted);
      expect(refused).toMatchObject({
        name: 'AddressesExhausted',
        transient: true,
        message: expect.stringContaining('default-address-pools'),
      });
      expect((refused as Error).message).toContain(message);
    }
  });

  it('is found by every way of writing its address, and refused by none that is unknown', async () => {
    await expect(DockerEngine.connect(realParts().dockerSocket).ping()).resolves.toBeUndefined();
    expect(await DockerEngine.connect(process.env.DOCKER_HOST).info()).toMatchObject({ os: 'linux', cpus: expect.any(Number) });
    expect(() => DockerEngine.connect('ftp://somewhere')).toThrow('ftp:// is not supported');
  });
});
