import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../parts/until.ts';
import { type Load, startLoad, totalOf } from './load.ts';
import { commitOnPage } from './sample/shop.ts';

const page = '<html><body data-commit="7"></body></html>';
let server: Server;
let load: Load;

async function answering(answer: Parameters<typeof createServer>[1]): Promise<void> {
  server = createServer(answer as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  load = startLoad(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, commitOnPage);
}

async function whenAnswered(enough: (load: Load) => boolean): Promise<void> {
  await until('the clients have asked', () => enough(load), { within: 10_000, every: 20 });
  await load.stop();
}

afterEach(async () => {
  await load.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The demo's “no request failed” is worth what these clients notice. */
describe('the clients of the demo', () => {
  it('count answers by the commit on the page, with and without keep-alive', async () => {
    const connections = { kept: new Set<unknown>(), fresh: new Set<unknown>() };
    await answering((request, response) => {
      (request.headers.connection === 'keep-alive' ? connections.kept : connections.fresh).add(request.socket);
      response.end(page);
    });
    await whenAnswered((now) => now.withKeepAlive.answered > 20 && now.withoutKeepAlive.answered > 20);
    expect(totalOf(load).failed).toBe(0);
    expect(load.withKeepAlive.byPage).toEqual({ 7: load.withKeepAlive.answered });
    expect(connections.kept.size).toBeLessThan(10);
    expect(connections.fresh.size).toBeGreaterThan(20);
  });

  it('tell what they saw lap by lap', async () => {
    let good = true;
    await answering((_, response) => response.writeHead(good ? 200 : 503).end(page));
    await until('the clients were answered', () => totalOf(load).answered > 10, { within: 10_000, every: 20 });
    expect(load.lap()).toMatchObject({ failed: 0, failures: [] });
    good = false;
    await until('the clients were refused', () => totalOf(load).failed > 3, { within: 10_000, every: 20 });
    good = true;
    const before = totalOf(load).answered;
    await until('the clients were answered again', () => totalOf(load).answered > before + 20, { within: 10_000, every: 20 });
    const bad = load.lap();
    expect(bad.failed).toBe(totalOf(load).failed);
    expect(bad.failures.join()).toContain('status 503');
    await load.stop();
    expect(load.lap()).toMatchObject({ failed: 0, failures: [] });
  });

  it('count an error of the server as a failure', async () => {
    await answering((_, response) => response.writeHead(503).end(page));
    await whenAnswered((now) => totalOf(now).failed > 0);
    expect(load.withKeepAlive.answered).toBe(0);
    expect([...load.withKeepAlive.failures, ...load.withoutKeepAlive.failures].join()).toContain('status 503');
  });

  it('count a connection that is cut as a failure', async () => {
    await answering((request) => request.socket.destroy());
    await whenAnswered((now) => now.withKeepAlive.failed > 0 && now.withoutKeepAlive.failed > 0);
    expect(totalOf(load).answered).toBe(0);
  });

  it('count half a page as a failure', async () => {
    await answering((_, response) => response.end(page.slice(0, 20)));
    await whenAnswered((now) => totalOf(now).failed > 0);
    expect(totalOf(load).answered).toBe(0);
  });
});
