import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A webhook's receiver that answers nobody while it is told to hold. */
export class Receiver {
  readonly posts: { id: string; type: string }[] = [];
  hold = false;

  private constructor(
    private readonly server: Server,
    private readonly dir: string,
  ) {}

  static async start(): Promise<Receiver> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        receiver.posts.push({ id: String(request.headers['webhook-id']), type: String((JSON.parse(body) as { type?: string }).type) });
        if (!receiver.hold) response.writeHead(204).end();
      });
    });
    const receiver = new Receiver(server, await mkdtemp(join(tmpdir(), 'slipway-receiver-')));
    await writeFile(join(receiver.dir, 'secret'), 'kept by both', { mode: 0o600 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  /** What notifier needs to post here. */
  get settings(): Record<string, string> {
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
    return { SLIPWAY_WEBHOOK_URL: url, SLIPWAY_WEBHOOK_SECRET_FILE: join(this.dir, 'secret') };
  }

  /** Ids of the posts about this event, each once. */
  told(event: string): Set<string> {
    return new Set(this.posts.filter(({ type }) => type.includes(event)).map(({ id }) => id));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await rm(this.dir, { recursive: true, force: true });
  }
}
