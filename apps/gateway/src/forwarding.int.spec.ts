import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '@slipway/testkit';
import { aStage, type Stage } from '@slipway/testkit/stage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayModule } from './gateway.module.js';

const limit = 100_000;
interface Came {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
const came: Came[] = [];
/** Stands for source-watcher: keeps what came and says 202. */
const watcher = createServer((incoming, response) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    came.push({ method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers, body: Buffer.concat(chunks) });
    response.writeHead(202, { 'content-type': 'text/plain', 'x-watcher': 'yes' }).end('taken');
  });
});
let stage: Stage;
let url: string;

beforeAll(async () => {
  stage = await aStage();
  await new Promise<void>((resolve) => watcher.listen(0, '127.0.0.1', resolve));
  const { port } = watcher.address() as AddressInfo;
  const more = { SLIPWAY_SOURCE_WATCHER_URL: `http://127.0.0.1:${port}`, SLIPWAY_WEBHOOK_LIMIT: String(limit) };
  url = (await stage.start(GatewayModule, more)).url;
});
afterAll(async () => {
  await stage?.clear();
  watcher.close();
});

/** Sends without a length, chunk after chunk, until it is told to stop. */
function sendEndless(path: string, most: number): Promise<{ status: number | 'cut'; sent: number }> {
  return new Promise((resolve) => {
    const chunk = Buffer.alloc(16_384, 'x');
    let sent = 0;
    let status: number | 'cut' = 'cut';
    const outgoing = request(new URL(path, url), { method: 'POST', headers: { 'content-type': 'application/json' } });
    outgoing.on('response', (response) => {
      status = response.statusCode ?? 0;
      response.resume();
    });
    outgoing.on('error', () => undefined);
    outgoing.on('close', () => resolve({ status, sent }));
    const more = () => {
      while (sent < most && !outgoing.destroyed) {
        sent += chunk.length;
        if (!outgoing.write(chunk)) return void outgoing.once('drain', more);
      }
      outgoing.end();
    };
    more();
  });
}

describe('webhooks', () => {
  it.each([
    ['JSON with odd spaces', 'POST', '/webhooks/github/shop?x=1%202', 'application/json', '{ "a" : 1,\n"b":"\\u00e9" }'],
    ['a form', 'POST', '/webhooks/github/shop', 'application/x-www-form-urlencoded', 'payload=%7B%22a%22%3A1%7D'],
    ['broken JSON', 'POST', '/webhooks/generic/shop', 'application/json', '{"a":'],
    ['plain text', 'POST', '/subversion/7f3c/notifyCommit?rev=7', 'text/plain', 'U   trunk/a.txt\n'],
    ['bytes that are no text', 'POST', '/webhooks/generic/shop', 'application/octet-stream', Buffer.from([0, 255, 254, 13, 10])],
  ])('go to source-watcher byte for byte: %s', async (_, method, path, type, body) => {
    came.length = 0;
    const headers = { 'content-type': type, 'x-hub-signature-256': 'sha256=abc', 'x-github-delivery': '72d3162e' };
    const answer = await fetch(new URL(path, url), { method, body, headers });
    expect([answer.status, answer.headers.get('x-watcher'), await answer.text()]).toEqual([202, 'yes', 'taken']);
    expect(came).toHaveLength(1);
    expect(came[0]).toMatchObject({ method, url: path, headers });
    expect(came[0]?.body.equals(Buffer.from(body))).toBe(true);
  });

  it.each([
    '/webhooks/../metrics',
    '/webhooks/%2e%2e/health/ready',
    '/webhooks/github/shop/../../../metrics',
    '/subversion/..%2f/notifyCommit',
    '/webhooks',
  ])('are the only thing that goes there: %s does not', async (path) => {
    came.length = 0;
    const status = await new Promise((resolve, reject) => {
      // Not fetch, which would tidy the path up.
      const { hostname, port } = new URL(url);
      request({ hostname, port, path, method: 'POST' }, (answer) => resolve(answer.resume().statusCode))
        .once('error', reject)
        .end('{}');
    });
    expect(status).toBe(404);
    expect(came).toEqual([]);
  });

  it('of a length above the limit are refused before they are sent on', async () => {
    came.length = 0;
    const answer = await fetch(new URL('/webhooks/github/shop', url), { method: 'POST', body: 'x'.repeat(limit + 1) });
    expect(answer.status).toBe(413);
    expect(came).toEqual([]);
  });

  it('without a length are cut off at the limit, however much is to come', async () => {
    came.length = 0;
    const { status, sent } = await sendEndless('/webhooks/github/shop', 1_000_000_000);
    expect(['cut', 413]).toContain(status);
    expect(sent).toBeLessThan(50_000_000);
    expect(came).toEqual([]);
  });

  it('are answered 503 at once while source-watcher is away', async () => {
    const more = { SLIPWAY_SOURCE_WATCHER_URL: `http://127.0.0.1:${await freePort()}` };
    const other = await stage.start(GatewayModule, more);
    const began = performance.now();
    const answer = await fetch(new URL('/webhooks/github/shop', other.url), { method: 'POST', body: '{}' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10']);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe('pages', () => {
  it('describe the API to programs and to people, without a token', async () => {
    const document = (await (await fetch(new URL('/api/v1/openapi.json', url))).json()) as { openapi: string };
    expect(document.openapi).toMatch(/^3\.1/);
    const page = await fetch(new URL('/api/docs', url));
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('Slipway API');
  });
});
