import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@slipway/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DockerWatch } from './docker-watch.js';
import type { DockerGap } from './history.js';

let folder: string;
let socket: string;
let watch: DockerWatch | undefined;
let running: Listening | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-engine-'));
  socket = join(folder, 'docker.sock');
});
afterEach(async () => {
  await watch?.stop();
  await running?.end();
  await rm(folder, { recursive: true, force: true });
});

/** A double of the Engine: it tells nothing of its own accord, and remembers nothing when it starts. */
class Listening {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  accepted = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (each: Socket) => {
      this.accepted += 1;
      this.#sockets.add(each);
    });
  }

  static async engine(): Promise<Listening> {
    const answer = (path: string, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      if (path.startsWith('/events')) response.flushHeaders();
      else response.end(path.startsWith('/_ping') ? '"OK"' : '[]');
    };
    return await Listening.at(createHttpServer((request, response) => answer(request.url ?? '', response)));
  }

  /** Something that takes connections and breaks them. */
  static async broken(): Promise<Listening> {
    return await Listening.at(createServer((each) => each.destroy()));
  }

  private static async at(server: Server): Promise<Listening> {
    const listening = new Listening(server);
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    return listening;
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const each of this.#sockets) each.destroy();
    await closed;
  }
}

async function begun(): Promise<void> {
  running = await Listening.engine();
  watch = await DockerWatch.start(`unix://${socket}`, 'made-up');
}

async function isBack(): Promise<DockerGap> {
  running = await Listening.engine();
  return await eventually(async () => (await watch?.history())?.gaps[0] ?? false, { within: 10_000, every: 100 });
}

describe('an Engine that is not heard', () => {
  it('was away, and did nothing, for as long as it refused connections', async () => {
    await begun();
    await running?.end();
    const away = Date.now();
    await eventually(() => Date.now() - away > 2500, { within: 5000 });
    const { from, to, awayFrom } = await isBack();
    expect(to - from).toBeGreaterThan(2500);
    expect((awayFrom ?? to) - from).toBeLessThan(1500);
  });

  it('may have done anything where connections were taken and broken', async () => {
    await begun();
    await running?.end();
    running = await Listening.broken();
    await eventually(() => (running?.accepted ?? 0) > 2, { within: 5000 });
    await running.end();
    const { from, to, awayFrom } = await isBack();
    // Only what was refused after the last broken one is known.
    expect((awayFrom ?? to) - from).toBeGreaterThan(500);
  });
});
