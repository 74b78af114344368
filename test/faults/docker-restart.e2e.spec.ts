import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ContainerInfo } from '@slipway/docker-engine';
import type { Deployment } from '@slipway/orchestrators';
import { SampleImages } from '@slipway/orchestrators/testing';
import { eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DockerWatch } from '../history/docker-watch.js';
import { aDockerHost, type DockerHost, mayHaveOwnHost } from './a-docker-host.js';
import type { Asked, Told } from './deploy-there.js';

const app = { port: 8080, drainMs: 1000, stableMs: 300, health: { http: '/healthz', everyMs: 300, timeoutMs: 500, graceMs: 5000 } };

describe.runIf(mayHaveOwnHost)('a Docker host that starts again while nothing of ours runs', () => {
  let host: DockerHost;
  let deployment: Deployment;
  let watch: DockerWatch;
  let times = 1;

  beforeAll(async () => {
    host = await aDockerHost();
    watch = await DockerWatch.start(`unix://${host.socket}`, 'slipway');
    const image = await new SampleImages(host.engine, host.registry).make('v1');
    const environment = { project: 'shop', environment: 'production' };
    deployment = { environment, release: 'release-1', attempt: 1, ...image, instances: 2, app };
    await bundle(host);
  }, 120_000);
  afterAll(async () => {
    await watch?.stop();
    await host?.close();
  }, 120_000);

  it.each([
    ['stopped', 'SIGTERM'],
    ['killed', 'SIGKILL'],
  ] as const)('brings production back by itself after Docker was %s, and is adopted as it is', { timeout: 180_000 }, async (_, signal) => {
    const { address = '', instances } = (await slipway(host, deployment)).after;
    expect(instances).toHaveLength(2);
    expect(await ask(host, `${address}/`)).toBe('v1');
    const before = await containers(host);

    await host.end(signal);
    await expect(ask(host, `${address}/`)).rejects.toThrow();
    await host.startDocker();

    await eventually(async () => (await ask(host, `${address}/`)) === 'v1', { within: 60_000, every: 500 });
    const back = await eventually(() => allAnswer(host), { within: 60_000, every: 500 });
    expect(back.map((one) => one.id)).toEqual(before.map((one) => one.id));
    for (const [index, one] of back.entries()) expect(one.startedAt).not.toBe(before[index]?.startedAt);

    const adopted = await slipway(host, deployment);
    // The proxy may still be asking an instance for the first time: nothing is amiss at the first look, and both are ready without a step taken.
    expect(adopted.found).toMatchObject({ wanted: 2, drift: [], address, digest: deployment.digest });
    expect(adopted).toMatchObject({ outcome: 'succeeded', steps: [], after: { address, ready: 2, version: adopted.found.version } });
    expect((await containers(host)).map((one) => one.startedAt)).toEqual(back.map((one) => one.startedAt));

    // Who listens to it hears it again, tells nothing twice, and says that it may have missed something.
    const told = await eventually(() => watch.history().then((history) => history.gaps.length >= times && history), { within: 20_000 });
    expect(told.events.filter(({ action, id }) => action === 'create' && before.some((one) => one.id === id))).toHaveLength(3);
    expect(told.events.filter(({ action }) => action === 'start').length).toBeGreaterThan(3);
    expect(told.containers.filter(({ there }) => there).map(({ id }) => id)).toEqual(expect.arrayContaining(back.map(({ id }) => id)));
    times += 1;
    await host.startRegistry();
  });
});

/** The program that is all of Slipway here, in one file: it runs outside of the test's own process, where nothing compiles it. */
async function bundle({ folder }: DockerHost): Promise<void> {
  const program = join(import.meta.dirname, 'deploy-there.ts');
  const options = ['--bundle', '--platform=node', '--format=cjs', '--conditions=@slipway/source', '--loader:.node=empty'];
  const args = [program, ...options, `--outfile=${join(folder, 'deploy-there.cjs')}`, '--log-level=warning'];
  await promisify(execFile)('node_modules/@esbuild/linux-x64/bin/esbuild', args, { timeout: 60_000 });
}

async function slipway(host: DockerHost, deployment: Deployment): Promise<Told> {
  const asked: Asked = { socket: host.socket, dataDir: join(host.folder, 'target'), deployment };
  const told = await host.inside(process.execPath, [join(host.folder, 'deploy-there.cjs'), JSON.stringify(asked)], 90_000);
  const answer = JSON.parse(told) as Told;
  expect(answer.outcome).toBe('succeeded');
  return answer;
}

/** One GET from inside; throws unless it is answered with 200. */
async function ask(host: DockerHost, url: string): Promise<string> {
  const program = `
    const answer = await fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(2000) });
    if (!answer.ok) throw new Error('HTTP ' + answer.status);
    process.stdout.write(await answer.text());`;
  return await host.inside(process.execPath, ['--input-type=module', '-e', program], 10_000);
}

async function containers({ engine }: DockerHost): Promise<ContainerInfo[]> {
  const listed = await engine.containers.list();
  const infos = await Promise.all(listed.map(({ id }) => engine.containers.inspect(id)));
  return infos.flatMap((info) => info ?? []).toSorted((a, b) => a.name.localeCompare(b.name));
}

/** All three, the proxy and both instances, each asked at the port it publishes now. */
async function allAnswer(host: DockerHost): Promise<ContainerInfo[]> {
  const all = await containers(host);
  expect(all.map((one) => one.status)).toEqual(['running', 'running', 'running']);
  const ports = all.map((one) => one.ports.find((port) => port.host > 0)?.host);
  expect(await Promise.all(ports.map((port) => ask(host, `http://127.0.0.1:${port}/`)))).toEqual(['v1', 'v1', 'v1']);
  return all;
}
