import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { DockerEngine } from '@slipway/docker-engine';
import { realParts } from '@slipway/testkit';
import { DockerOrchestrator } from '../docker/docker-orchestrator.js';
import { label } from '../docker/labels.js';
import { SampleImages } from './sample-images.js';

/** The Docker host of the tests, with an installation of its own there. */
export async function aDockerTarget() {
  const engine = DockerEngine.connect(realParts().dockerHost);
  const images = new SampleImages(engine, realParts().registry);
  const top = await mkdtemp(path.join(tmpdir(), 'slipway-'));
  // Longer than a socket's path may be.
  const dataDir = path.join(top, 'a-folder-with-a-rather-long-name', 'and-another-one-below-it');
  const installation = `test-${randomUUID().slice(0, 8)}`;
  const connect = (docker = engine) => new DockerOrchestrator({ engine: docker, dataDir, installation, ports: [25_000, 25_999] });
  return {
    engine,
    images,
    installation,
    dataDir,
    connect,
    environment: () => ({ project: 'shop', environment: 'production', namespace: `n${randomUUID().slice(0, 6)}` }),
    image: (version: string, behaviour?: Parameters<SampleImages['make']>[1]) => images.make(version, behaviour),
    missingImage: () => images.missing(),
    freePort: async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      return port;
    },
    /** What the engine comes to where two workers look for a network at once, find none, and make it: another of that name. */
    twin: async (name: string) => {
      const [{ labels: Labels = {} } = {}] = await engine.networks.named(name);
      const call = { socketPath: realParts().dockerSocket, path: '/networks/create', headers: { 'content-type': 'application/json' } };
      const asked = request({ ...call, method: 'POST' }).end(JSON.stringify({ Name: name, Labels }));
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      await once(answer.resume(), 'end');
    },
    /** From then on nothing gets from that container to this address, until it is started again. */
    cutOff: async (container: string, address: string) => {
      const [asked] = await once(
        request({ socketPath: realParts().dockerSocket, path: `/containers/${container}/json` }).end(),
        'response',
      );
      const { State } = (await new Response(Readable.toWeb(asked as IncomingMessage) as ReadableStream).json()) as {
        State: { Pid: number };
      };
      await promisify(execFile)('nsenter', [`--net=/proc/${State.Pid}/ns/net`, 'ip', 'route', 'add', 'blackhole', address]);
    },
    crash: async (instance: string) => await engine.containers.kill(instance),
    leftovers: async (_: unknown, used: readonly string[]) => {
      const filter = { labels: { [label.installation]: installation } };
      const containers = (await engine.containers.list(filter)).map((one) => one.name);
      const networks = (await engine.networks.list(filter)).map((one) => one.name);
      const left = await Promise.all(used.map(async (image) => ((await engine.images.inspect(image)) === undefined ? [] : [image])));
      return [...containers, ...networks, ...left.flat(), ...(await readdir(path.join(dataDir, 'environments')))];
    },
    close: async () => {
      await images.clean();
      await rm(top, { recursive: true, force: true });
    },
  };
}
