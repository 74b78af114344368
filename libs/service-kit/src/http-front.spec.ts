import { once } from 'node:events';
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { Health } from './health.js';
import { HttpFront, PortTaken } from './http-front.js';
import { Insiders } from './insiders.js';

const host = '127.0.0.1';
const fronts: HttpFront[] = [];

async function aFront(limits = {}) {
  const health = new Health();
  const front = new HttpFront(health, new Registry(), limits);
  fronts.push(front);
  const port = await front.listen(host, { asked: 0, usual: 0 });
  return { front, health, port, url: `http://${host}:${port}` };
}

describe('the HTTP server of a service', () => {
  afterEach(async () => {
    await Promise.all(fronts.splice(0).map((front) => front.stop(100)));
  });

  it('lives, and says what it waits for, before anything else is there', async () => {
    const { url } = await aFront();
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ missing: ['start: not started yet'] });
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
  });

  it('is ready when all parts are there', async () => {
    const { url, health } = await aFront();
    health.set('start', { ok: true });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('tells who comes from elsewhere whether it is ready, and no more, but for who brings the token', async () => {
    const { url, front } = await aFront();
    front.show(new Insiders('the-token'));
    const through = { 'x-forwarded-for': '203.0.113.7' };
    expect((await fetch(`${url}/metrics`, { headers: through })).status).toBe(401);
    const ready = await fetch(`${url}/health/ready`, { headers: through });
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'not ready' }]);
    const bringing = { ...through, authorization: 'Bearer the-token' };
    expect((await fetch(`${url}/metrics`, { headers: bringing })).status).toBe(200);
    expect(await (await fetch(`${url}/health/ready`, { headers: bringing })).json()).toMatchObject({ missing: ['start: not started yet'] });
  });

  it('asks for patience until the application is built', async () => {
    const { url, front } = await aFront();
    const early = await fetch(`${url}/api/v1/releases`);
    expect([early.status, early.headers.get('retry-after'), early.headers.get('content-type')]).toEqual([
      503,
      '2',
      'application/problem+json; charset=utf-8',
    ]);
    front.serve((_, response) => response.end('served'));
    expect(await (await fetch(`${url}/api/v1/releases`)).text()).toBe('served');
  });

  it('takes a free port when its usual one is taken by another replica', async () => {
    const { port } = await aFront();
    const second = new HttpFront(new Health(), new Registry());
    fronts.push(second);
    expect(await second.listen(host, { asked: undefined, usual: port })).not.toBe(port);
  });

  it('refuses to start when the port it was told to take is taken', async () => {
    const { port } = await aFront();
    await expect(new HttpFront(new Health(), new Registry()).listen(host, { asked: port, usual: 1 })).rejects.toThrow(PortTaken);
  });

  it('hangs up on who sends a request too slowly', async () => {
    const { port } = await aFront({ headersMs: 200, requestMs: 400, checkMs: 50 });
    const socket = connect(port, host);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nx-slow: ');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 4/);
  });

  it('answers what it began before it stops', async () => {
    const { url, front } = await aFront();
    let finish: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      front.serve((_, response) => {
        finish = () => response.end('in time');
        resolve();
      });
    });
    const answer = fetch(url);
    await begun;
    const stopped = front.stop(5_000);
    finish();
    expect(await (await answer).text()).toBe('in time');
    await stopped;
  });

  it('cuts off an answer without an end when it stops', async () => {
    const { url, front } = await aFront();
    front.serve((_, response) => response.write('event: hello\n\n'));
    const answer = await fetch(url);
    await front.stop(50);
    await expect(answer.text()).rejects.toThrow();
  });
});
