import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { DockerEngine } from '@slipway/docker-engine';
import { eventually, realParts } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Progress } from '../port.js';
import { aDockerTarget } from '../testing/docker-target.js';
import { acting, settled, until } from '../testing/driving.js';
import { label } from './labels.js';

/** The engine of the tests, save that all its addresses are used up: gives how often it was asked for a network. */
async function anEngineWithoutAddresses() {
  const asked: string[] = [];
  const server = createServer((incoming, answer) => {
    const { method = '', url = '', headers } = incoming;
    if (method !== 'POST' || !url.includes('/networks/create')) {
      const passed = request({ socketPath: realParts().dockerSocket, method, path: url, headers }, (said) => {
        said.pipe(answer.writeHead(said.statusCode ?? 500, said.headers));
      });
      incoming.pipe(passed);
      return;
    }
    asked.push(url);
    const message = 'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network';
    answer.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return { engine: DockerEngine.connect(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`), asked };
}

describe('a Docker host that is not well', () => {
  let target: Awaited<ReturnType<typeof aDockerTarget>>;
  let image: { image: string; digest: string };
  const app = { port: 8080, drainMs: 1000, stableMs: 100, health: { http: '/healthz', everyMs: 500, timeoutMs: 500, graceMs: 2000 } };

  beforeAll(async () => {
    target = await aDockerTarget();
    image = await target.image('v1');
  });
  afterAll(async () => {
    for (const environment of await target.connect().environments()) await target.connect().remove(environment, acting());
    await target.close();
  });

  const of = (instances = 1) => ({ environment: target.environment(), release: 'release-1', attempt: 1, ...image, instances, app });

  it('makes the proxy anew when it was taken away, on the same port', async () => {
    const [neighbour, deployment] = [of(), of()];
    await settled(target.connect(), neighbour);
    const before = await settled(target.connect(), deployment);
    // Another port than it would be given first.
    await target.connect().remove(neighbour.environment, acting());
    await target.engine.containers.remove(`slipway.${deployment.environment.namespace}.shop.production.proxy`, { force: true });
    expect((await target.connect().observe(deployment.environment)).drift).toMatchObject([{ kind: 'proxy' }]);
    const after = await settled(target.connect(), deployment);
    expect(after.address).toBe(before.address);
    expect(await (await fetch(`${after.address}/`)).text()).toBe('v1');
  });

  it('takes away what crashes again and again, also between two of its starts', async () => {
    const bad = { ...of(), ...(await target.image('bad', 'crashing')) };
    const [crashing] = (await target.connect().apply(bad, acting())).instances;
    const { containers } = target.engine;
    // A name the engine refuses at such a moment is what is to be met: each pause is twice as long as the one before.
    const isBetween = async () => (await containers.inspect(crashing?.id ?? ''))?.status === 'restarting';
    await eventually(async () => (await target.connect().observe(bad.environment)).instances.some(({ restarts }) => restarts >= 5));
    await eventually(isBetween, { every: 20 });
    const next = { ...of(), environment: bad.environment, release: 'release-2' };
    const stops: string[] = [];
    const onProgress = ({ step, instance = '' }: Progress) => void (step === 'stop' && stops.push(instance));
    const after = await until(() => target.connect().apply(next, { ...acting(), onProgress }));
    expect(after).toMatchObject({ progress: 'converged', ready: 1, digest: image.digest, drift: [] });
    expect(stops).toEqual([crashing?.name]);
    await eventually(async () => (await containers.inspect(crashing?.id ?? '')) === undefined);
  });

  it('replaces an instance that Docker, killed while it made it, kept without its address', async () => {
    const deployment = of();
    const { environment } = deployment;
    const { instances, address } = await settled(target.connect(), deployment);
    const { containers } = target.engine;
    const whole = await containers.inspect(instances[0]?.id ?? '');
    if (whole === undefined) throw new Error('the instance is gone');
    await containers.remove(whole.id, { force: true });
    const { name, labels } = whole;
    const networks = [{ network: `slipway.${environment.namespace}.shop.production` }];
    const half = await containers.create({
      ...{ name, labels, networks, ...image },
      ports: [{ container: app.port, hostAddress: '127.0.0.1' }],
    });
    await containers.start(half);
    expect((await target.connect().observe(environment)).drift[0]).toMatchObject({ kind: 'configuration', instance: name });
    const after = await settled(target.connect(), deployment);
    expect(after).toMatchObject({ ready: 1, drift: [], address });
    expect(after.instances.map(({ id }) => id)).not.toContain(half);
    expect(await (await fetch(`${address}/`)).text()).toBe('v1');
  });

  it('starts the proxy where something half made has taken its address', async () => {
    const deployment = of();
    const { environment } = deployment;
    const { instances, address } = await settled(target.connect(), deployment);
    const { containers } = target.engine;
    const proxy = await containers.inspect(`slipway.${environment.namespace}.shop.production.proxy`);
    const whole = await containers.inspect(instances[0]?.id ?? '');
    if (proxy === undefined || whole === undefined) throw new Error('the environment is gone');
    await containers.stop(proxy.id, { graceSeconds: 1 });
    const networks = [{ network: `slipway.${environment.namespace}.shop.production`, address: proxy.labels[label.address] ?? '' }];
    // Of a release before, and not at the address it was made for.
    const labels = { ...whole.labels, [label.config]: 'before', [label.number]: '2' };
    const half = await containers.create({ ...image, name: `${whole.name}.half`, labels, networks });
    await containers.start(half);
    expect(await settled(target.connect(), deployment)).toMatchObject({ ready: 1, drift: [], address });
    expect(await containers.inspect(half)).toBeUndefined();
    expect(await (await fetch(`${address}/`)).text()).toBe('v1');
  });

  it.runIf(process.getuid?.() === 0)(
    'connects anew what the proxy does not reach and answers when asked directly',
    { timeout: 60_000 },
    async () => {
      const addressOf = async (container: string) => (await target.engine.containers.inspect(container))?.labels[label.address] ?? '';
      const mended = async (deployment: ReturnType<typeof of>, cut: (proxy: string, instance: string) => readonly [string, string]) => {
        const { environment } = deployment;
        const orchestrator = target.connect();
        const { instances, address } = await settled(orchestrator, deployment);
        const proxy = `slipway.${environment.namespace}.shop.production.proxy`;
        const [at, from] = cut(proxy, instances[0]?.name ?? '');
        await target.cutOff(at, await addressOf(from));
        const seen = await eventually(async () => (await orchestrator.observe(environment)).drift[0] ?? false, { within: 20_000 });
        expect(seen).toEqual({
          kind: 'proxy',
          detail: `the proxy does not reach ${instances[0]?.name}, which answers when asked directly`,
        });
        const others = [proxy, ...instances.map(({ name }) => name)].filter((name) => name !== at);
        const started = async () =>
          await Promise.all(others.map(async (name) => (await target.engine.containers.inspect(name))?.startedAt));
        const before = await started();
        await expect(orchestrator.apply(deployment, acting())).rejects.toMatchObject({ name: 'TargetUnavailable', message: seen.detail });
        const after = await eventually(() => settled(orchestrator, deployment), { within: 30_000 });
        expect(after).toMatchObject({ ready: deployment.instances, drift: [], address });
        expect(await started()).toEqual(before);
        expect(await (await fetch(`${address}/`)).text()).toBe('v1');
      };
      await Promise.all([mended(of(1), (proxy, instance) => [proxy, instance]), mended(of(2), (proxy, instance) => [instance, proxy])]);
    },
  );

  it('goes on, and is taken away, where a second network of its name was made', async () => {
    const deployment = of();
    const { environment } = deployment;
    const { address } = await settled(target.connect(), deployment);
    const name = `slipway.${environment.namespace}.shop.production`;
    const networks = () => target.engine.networks.named(name);
    const before = await networks();
    await target.twin(name);
    expect(await networks()).toHaveLength(2);
    const beside = {
      environment,
      name: 'look',
      release: 'release-1',
      image: image.image,
      command: ['/esbuild', '--version'],
      limits: { timeMs: 10_000 },
    };
    expect(await target.connect().runOnce({ ...beside, signal: acting().signal })).toMatchObject({ exitCode: 0 });
    await target.twin(name);
    expect(await settled(target.connect(), { ...deployment, instances: 2 })).toMatchObject({ ready: 2, drift: [], address });
    expect(await networks()).toEqual(before);
    await target.twin(name);
    expect(await target.connect().remove(environment, acting())).toBe(true);
    expect(await networks()).toEqual([]);
  });

  it('goes on serving when its private folder was lost', async () => {
    const deployment = of(2);
    const before = await settled(target.connect(), deployment);
    await rm(path.join(target.dataDir, 'environments'), { recursive: true });
    const after = await settled(target.connect(), deployment);
    expect(after).toMatchObject({ ready: 2, drift: [], address: before.address });
    expect(after.instances.map((one) => one.id)).toEqual(before.instances.map((one) => one.id));
  });

  it('waits, and says what to do, while the engine has no addresses left for another network', async () => {
    const { engine, asked } = await anEngineWithoutAddresses();
    const deployment = of();
    const away = {
      name: 'TargetUnavailable',
      part: 'target',
      message: expect.stringContaining('default-address-pools in its daemon.json'),
    };
    await expect(target.connect(engine).apply(deployment, acting())).rejects.toMatchObject(away);
    expect(asked).toHaveLength(1);
    expect(await settled(target.connect(), deployment)).toMatchObject({ ready: 1, drift: [] });
  });
});
