import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedHook } from './signed-hook.js';

let folder: string;
let secretFile: string;
let inside: Server;
let asked = 0;
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-hook-'));
  secretFile = join(folder, 'secret');
  await writeFile(secretFile, 'hunter2', { mode: 0o600 });
  inside = await serving((_, response) => {
    asked += 1;
    response.end('what is inside');
  });
});
afterAll(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function serving(answer: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

describe('the webhook that notifier posts to', () => {
  it.each([301, 302, 303, 307, 308])('sends it nowhere else by %s', async (status) => {
    const receiver = await serving((_, response) => response.writeHead(status, { location: urlOf(inside) }).end());
    const hook = new SignedHook({ url: urlOf(receiver), secretFile });
    await expect(hook.post({ id: 'a', body: '{}', signal: AbortSignal.timeout(5_000) })).rejects.toThrow();
    expect(asked).toBe(0);
  });

  it('is told what it answered by its status alone', async () => {
    const receiver = await serving((_, response) => response.writeHead(500).end('the secret of the receiver'));
    const hook = new SignedHook({ url: urlOf(receiver), secretFile });
    await expect(hook.post({ id: 'a', body: '{}', signal: AbortSignal.timeout(5_000) })).rejects.toThrow(/^the receiver answered 500$/);
  });
});
