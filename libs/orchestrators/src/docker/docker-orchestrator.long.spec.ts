import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EnvironmentRef } from '../deployment.js';
import { aDockerTarget } from '../testing/docker-target.js';
import { acting, settled } from '../testing/driving.js';
import { Load } from '../testing/load.js';
import { EnvironmentFiles } from './environment-files.js';
import { readServers } from './facts.js';
import { label } from './labels.js';

describe('one Docker host', () => {
  let target: Awaited<ReturnType<typeof aDockerTarget>>;
  let image: { image: string; digest: string };
  const app = { port: 8080, drainMs: 1000, stableMs: 100, health: { http: '/healthz', everyMs: 500, timeoutMs: 500, graceMs: 2000 } };

  beforeAll(async () => {
    target = await aDockerTarget();
    image = await target.image('v1');
  });
  afterAll(async () => {
    const remove = (environment: EnvironmentRef) => target.connect().remove(environment, acting());
    await Promise.all((await target.connect().environments()).map(remove));
    await target.close();
  });

  const of = (instances = 1) => ({ environment: target.environment(), release: 'release-1', attempt: 1, ...image, instances, app });

  it('serves again after its proxy and its instances were restarted while nobody watched', async () => {
    const deployment = of(2);
    const before = await settled(target.connect(), deployment);
    const proxy = (
      await target.engine.containers.list({ labels: { [label.role]: 'proxy', [label.installation]: target.installation } })
    )[0];
    for (const one of before.instances) await target.engine.containers.restart(one.id, { graceSeconds: 0 });
    await target.engine.containers.restart(proxy?.id ?? '', { graceSeconds: 0 });
    const after = await settled(target.connect(), deployment);
    expect(after).toMatchObject({ ready: 2, drift: [], address: before.address });
    expect(await (await fetch(`${after.address}/`)).text()).toBe('v1');
    expect(after.instances.map((one) => one.id)).toEqual(before.instances.map((one) => one.id));
  });

  it('refuses a container that has the name but not the labels, and leaves it alone', async () => {
    const deployment = of();
    const name = `slipway.${deployment.environment.namespace}.shop.production.proxy`;
    await target.connect().available(image.image);
    const id = await target.engine.containers.create({ name, image: image.image });
    const applied = await target.connect().apply(deployment, acting());
    expect(applied).toMatchObject({ progress: 'refused', refusal: { kind: 'not-ours' } });
    expect(await target.engine.containers.inspect(id)).toBeDefined();
    await target.engine.containers.remove(id);
  });

  it('leaves few images on the host, however many releases came, and what somebody else uses until they do not', async () => {
    const { engine } = target;
    const images: { image: string; digest: string }[] = [];
    for (let number = 1; number <= 5; number++) images.push(await target.images.makeSlow(`r${number}`, 0));
    const deployment = of(0);
    const there = async () =>
      (await Promise.all(images.map(({ image: each }) => engine.images.inspect(each)))).map((found) => found !== undefined);
    const deploy = (number: number) => settled(target.connect(), { ...deployment, release: `release-${number}`, ...images[number - 1] });
    await deploy(1);
    const theirs = await engine.containers.create({ name: `theirs-${randomUUID()}`, image: images[0]?.image as string });
    for (const number of [2, 3, 4]) await deploy(number);
    expect(await there()).toEqual([true, true, true, true, false]);
    await engine.containers.remove(theirs);
    await deploy(5);
    expect(await there()).toEqual([false, false, true, true, true]);
  });

  it('lets a request that takes seconds finish, and sends it no new ones meanwhile', async () => {
    const slow = { v1: await target.images.makeSlow('v1', 3), v2: await target.images.makeSlow('v2', 0) };
    const deployment = { ...of(), ...slow.v1, app: { ...app, drainMs: 5000 } };
    const before = await settled(target.connect(), deployment);
    const asked = fetch(`${before.address}/cgi-bin/slow`).then((answer) => answer.text());
    const orchestrator = target.connect();
    const replaced = { ...deployment, release: 'release-2', ...slow.v2 };
    const draining = await eventually(async () => {
      const applied = await orchestrator.apply(replaced, acting());
      return applied.progress === 'moving' && applied.waitingFor.includes('to finish') && applied;
    });
    expect(draining.instances.filter((one) => one.inService).map((one) => one.digest)).toEqual([slow.v2.digest]);
    expect(await (await fetch(`${before.address}/cgi-bin/slow`)).text()).toBe('v2');
    expect(await asked).toBe('v1');
    expect(await settled(target.connect(), replaced)).toMatchObject({ progress: 'converged', ready: 1, digest: slow.v2.digest });
  });

  it('adopts no instance that another process is taking away, though it still runs as it is wanted', async () => {
    const [one, other] = [target.connect(), target.connect()];
    // As long as the drain time: its server does not hear that it is to end.
    const old = { ...of(), ...(await target.images.makeSlow('stubborn', 0)), app: { ...app, drainMs: 4000, stableMs: 0 } };
    const [leaving] = (await settled(one, old)).instances;
    const next = { ...old, ...image, release: 'release-2' };
    await eventually(async () => expect(await one.apply(next, acting())).toMatchObject({ waitingFor: 'replaced instances to stop' }));
    const back = await settled(other, old);
    expect(back).toMatchObject({ ready: 1, drift: [] });
    expect(back.instances.map(({ id }) => id)).not.toContain(leaving?.id);
    expect(await target.engine.containers.inspect(leaving?.id ?? '')).toBeUndefined();
  });

  it('waits for a request no longer than the drain time', async () => {
    const slow = { v1: await target.images.makeSlow('v1', 20), v2: await target.images.makeSlow('v2', 0) };
    const deployment = { ...of(), ...slow.v1, app: { ...app, drainMs: 1000 } };
    const before = await settled(target.connect(), deployment);
    const asked = fetch(`${before.address}/cgi-bin/slow`).then((answer) => answer.text());
    const began = performance.now();
    expect(await settled(target.connect(), { ...deployment, release: 'release-2', ...slow.v2 })).toMatchObject({ progress: 'converged' });
    expect(performance.now() - began).toBeLessThan(15_000);
    // A GET may be repeated, and was: at the new instance.
    expect(await asked).toBe('v2');
  });

  it("refuses a health path that would mean something in the proxy's file", async () => {
    for (const http of ['/x\nbackend evil', '/x) y', '/x;shutdown', '/"', '/$HOME']) {
      const applied = await target.connect().apply({ ...of(), app: { ...app, health: { ...app.health, http } } }, acting());
      expect(applied).toMatchObject({ progress: 'refused', exists: false, refusal: { kind: 'invalid' } });
    }
  });

  it('asks a new health path of the new instances while the old ones keep serving', async () => {
    const deployment = of(2);
    const before = await settled(target.connect(), deployment);
    const load = new Load(`${before.address}/`, { keepAlive: 2, fresh: 2 });
    const moved = { ...deployment, release: 'release-2', app: { ...app, health: { ...app.health, http: '/index.html?full=1' } } };
    const after = await settled(target.connect(), moved);
    expect(after).toMatchObject({ progress: 'converged', ready: 2 });
    expect((await load.stop()).failures).toEqual([]);
  });

  it('checks an instance again when it goes back to the health path of that', async () => {
    const deployment = of(2);
    await settled(target.connect(), deployment);
    const { socket } = new EnvironmentFiles(target.dataDir, deployment.environment);
    const checks = async () => (await readServers(socket))?.map(({ check }) => check);
    const elsewhere = { ...deployment, release: 'release-2', app: { ...app, health: { ...app.health, http: '/nowhere' } } };
    await target.connect().apply(elsewhere, acting());
    expect(await checks()).toEqual(['', '']);
    await settled(target.connect(), deployment);
    await eventually(async () => expect(await checks()).toEqual(['L7OK', 'L7OK']));
  });

  it('refuses a port that something else holds', async () => {
    const holder = await settled(target.connect(), of());
    const port = Number(new URL(holder.address ?? '').port);
    const applied = await target.connect().apply({ ...of(), app: { ...app, stablePort: port } }, acting());
    expect(applied).toMatchObject({ progress: 'refused', refusal: { kind: 'port-taken', reason: expect.stringContaining(String(port)) } });
  });

  it('moves to another stable port when the project asks for one that is free, and stays where it is when it is not', async () => {
    const deployment = of();
    const before = await settled(target.connect(), deployment);
    const free = await target.freePort();
    const moved = await settled(target.connect(), { ...deployment, app: { ...app, stablePort: free } });
    expect(moved).toMatchObject({ progress: 'converged', address: `http://127.0.0.1:${free}` });
    expect(moved.instances.map((one) => one.id)).toEqual(before.instances.map((one) => one.id));
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const refused = await target
      .connect()
      .apply({ ...deployment, app: { ...app, stablePort: (holder.address() as AddressInfo).port } }, acting());
    holder.close();
    expect(refused).toMatchObject({ progress: 'refused', refusal: { kind: 'port-taken' }, address: moved.address });
    expect((await fetch(`${moved.address}/`)).status).toBe(200);
  });

  it('shows no secret in what the engine tells about a container, and keeps its folder private', async () => {
    const secret = { name: 'token', version: '1', read: async () => new TextEncoder().encode('canary-secret') };
    const applied = await settled(target.connect(), { ...of(), secrets: [secret] });
    const inspected = JSON.stringify(await target.engine.containers.inspect(applied.instances[0]?.id ?? ''));
    expect(inspected).toContain('/run/secrets');
    expect(inspected).not.toContain('canary-secret');
    const [folder = ''] = await readdir(path.join(target.dataDir, 'environments'));
    expect((await stat(path.join(target.dataDir, 'environments', folder))).mode & 0o077).toBe(0);
  });

  it('finds an instance whose image was swapped under its name, and replaces it', async () => {
    const deployment = of();
    const before = await settled(target.connect(), deployment);
    const victim = await target.engine.containers.inspect(before.instances[0]?.id ?? '');
    const other = await target.image('v2');
    await target.connect().available(other.image);
    await target.engine.containers.remove(victim?.id ?? '', { force: true });
    const impostor = await target.engine.containers.create({ name: victim?.name ?? '', image: other.image, labels: victim?.labels ?? {} });
    expect((await target.connect().observe(deployment.environment)).drift).toMatchObject([{ kind: 'digest' }, { kind: 'missing' }]);
    const after = await settled(target.connect(), { ...deployment, attempt: 2 });
    expect(after).toMatchObject({ progress: 'converged', digest: deployment.digest, ready: 1 });
    expect(await target.engine.containers.inspect(impostor)).toBeUndefined();
  });
});
