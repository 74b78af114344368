import { apiClient, type StreamedEvent } from '@slipway/api';
import type { Booted } from '@slipway/service-kit';
import { eventually, TcpProxy } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aScene, problemOf, type Scene, strict } from './gateway.fixture.js';
import { GatewayModule } from './gateway.module.js';

let scene: Scene;
/** A replica that reaches Postgres through a wire that can be cut. */
let replica: Booted;
let proxy: TcpProxy;
const stopping = new AbortController();

beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
  const wire = await TcpProxy.before(scene.stage.database.url);
  proxy = wire.proxy;
  replica = await scene.stage.start(GatewayModule, { ...strict, DATABASE_URL: wire.through });
});
afterAll(async () => {
  stopping.abort();
  proxy?.restore();
  await scene?.stage.clear();
  await proxy?.close();
});

describe('a gateway whose database is away', () => {
  it('says so within two seconds, goes on by itself, and its streams miss nothing', async () => {
    const api = apiClient({ url: replica.url, token: scene.administrator.token });
    const seen: StreamedEvent[] = [];
    void api.follow({ project: 'shop' }, (event) => void seen.push(event), stopping.signal).catch(() => undefined);
    await scene.aBuiltRelease('shop', 1);
    await eventually(() => seen.some(({ name }) => name === 'image.built'));

    proxy.refuse();
    const began = performance.now();
    expect(await problemOf(api.me({}))).toMatchObject({ status: 503, code: 'database-away' });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect((await fetch(new URL('/metrics', replica.url))).status).toBe(200);
    expect((await fetch(new URL('/health/live', replica.url))).status).toBe(200);
    // Its partition may be this replica's, which takes it in when it can.
    const born = scene.aBuiltRelease('shop', 2);

    proxy.restore();
    await born;
    await eventually(async () => (await api.me({})).id === scene.administrator.id, { within: 15_000 });
    await eventually(() => seen.filter(({ name }) => name === 'image.built').length === 2, { within: 15_000 });
    // They come by different topics: which of them is heard first is nobody's promise.
    await eventually(() => seen.filter(({ name }) => name === 'commit.detected').length === 2, { within: 15_000 });
  });
});
