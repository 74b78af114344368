import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Conflict, DockerEngine, LimitExceeded, NotFound, TimedOut, Unavailable } from './index.js';

const registry = process.env.SLIPWAY_REGISTRY ?? 'localhost:5000';
const name = `engine-spec-${randomUUID().slice(0, 8)}`;
const labels = { 'dev.slipway.test': name };
const engine = DockerEngine.connect(process.env.DOCKER_HOST);
const image = `${name}:base`;
let busybox: Buffer;

function context(dockerfile: string): Readable {
  const output = pack();
  output.entry({ name: 'Dockerfile' }, dockerfile);
  output.entry({ name: 'busybox', mode: 0o755 }, busybox);
  output.finalize();
  return Readable.from(output);
}

// The label stands first, so that what a failing build leaves behind carries it too.
const base = `FROM scratch\nLABEL dev.slipway.test=${name}\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n`;
const build = (dockerfile: string, more: Partial<Parameters<DockerEngine['buildImage']>[0]> = {}): Promise<{ imageId: string }> =>
  engine.buildImage({ context: context(dockerfile), tag: `${name}:try`, labels, ...more });
const run = async (command: string[], more: Partial<Parameters<DockerEngine['containers']['create']>[0]> = {}): Promise<string> => {
  const id = await engine.containers.create({ image, command: ['/bin/busybox', ...command], labels, ...more });
  await engine.containers.start(id);
  return id;
};
beforeAll(async () => {
  busybox = await readFile('/bin/busybox');
  await build(base, { tag: image });
});
afterAll(async () => {
  for (const container of await engine.containers.list({ labels })) await engine.containers.remove(container.id, { force: true });
  for (const network of await engine.networks.list({ labels })) await engine.networks.remove(network.id);
  for (const volume of await engine.volumes.list({ labels })) await engine.volumes.remove(volume.name);
  for (const found of await engine.images.list({ labels })) await engine.images.remove(found.id, { force: true });
});

/** What the engine comes to where two look for a name at once, find none, and make it: without looking, it makes another. */
async function twin(network: string): Promise<void> {
  const body = JSON.stringify({ Name: network, Labels: labels });
  const socketPath = (process.env.DOCKER_HOST ?? '/var/run/docker.sock').replace('unix://', '');
  const asked = request({ socketPath, method: 'POST', path: '/networks/create', headers: { 'content-type': 'application/json' } }).end(
    body,
  );
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
}

describe('a network that several make at once', () => {
  const wanted = { name: `${name}-builds`, labels };

  it('is one in the end', async () => {
    await Promise.all(Array.from({ length: 6 }, () => engine.networks.ensure(wanted)));
    await engine.networks.ensure(wanted);
    expect(await engine.networks.list({ name: wanted.name })).toHaveLength(1);
  });

  it('stays the older one where there are two of its name, and the other goes', async () => {
    const [older] = await engine.networks.list({ name: wanted.name });
    await twin(wanted.name);
    await expect(engine.networks.inspect(wanted.name)).rejects.toThrow('ambiguous');
    const step = build(`${base}RUN ["/bin/sh","-c","exit 0"]\n`, { networkMode: wanted.name });
    await expect(step).rejects.toBeInstanceOf(Unavailable);
    await engine.networks.ensure(wanted);
    expect(await engine.networks.list({ name: wanted.name })).toEqual([older]);
    await build(`${base}RUN ["/bin/sh","-c","exit 0"]\n`, { networkMode: wanted.name });
  });
});

describe('pushing and pulling', () => {
  it('names the digest, and pulls by it', async () => {
    const reference = `${registry}/${name}:1`;
    await build(base, { tag: reference });
    const { digest } = await engine.push({ reference });
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    await engine.pull(`${registry}/${name}@${digest}`);
    expect((await engine.images.inspect(reference))?.repositoryDigests).toContain(`${registry}/${name}@${digest}`);
    await fetch(`http://${registry}/v2/${name}/manifests/${digest}`, { method: 'DELETE' });
  });

  it('sorts what went wrong: unknown digest, registry away', async () => {
    await expect(engine.pull(`${registry}/${name}@sha256:${'0'.repeat(64)}`)).rejects.toBeInstanceOf(NotFound);
    await engine.images.tag(image, 'localhost:1/nobody', '1');
    await expect(engine.push({ reference: 'localhost:1/nobody:1' })).rejects.toBeInstanceOf(Unavailable);
    await engine.images.remove('localhost:1/nobody:1');
  });
});

describe('containers', () => {
  it('are made as they were asked for, and read back', async () => {
    const network = await engine.networks.create({ name: `${name}-net`, labels });
    const other = await engine.networks.create({ name: `${name}-other`, labels });
    await engine.volumes.create({ name: `${name}-data`, labels });
    const id = await run(['sleep', '600'], {
      name: `${name}-full`,
      env: { A: '1=2', B: '' },
      networks: [{ network: `${name}-net`, aliases: ['web'] }, { network: `${name}-other` }],
      ports: [{ container: 8080, hostAddress: '127.0.0.1' }],
      mounts: [{ type: 'volume', source: `${name}-data`, target: '/data' }],
      limits: { memoryBytes: 64 * 1024 * 1024, cpus: 0.5, pids: 50 },
      restart: 'unless-stopped',
      stopGraceSeconds: 1,
    });
    const info = await engine.containers.inspect(`${name}-full`);
    expect(info).toMatchObject({
      id,
      labels,
      running: true,
      health: 'none',
      env: { A: '1=2', B: '' },
      restart: 'unless-stopped',
      limits: { memoryBytes: 64 * 1024 * 1024, cpus: 0.5, pids: 50 },
      ports: [{ container: 8080, protocol: 'tcp', hostAddress: '127.0.0.1', host: expect.any(Number) }],
      mounts: [{ type: 'volume', source: `${name}-data`, target: '/data', readOnly: false }],
    });
    expect(info?.networks.map(({ id: joined }) => joined).sort()).toEqual([network, other].sort());
    expect((await engine.containers.list({ labels, running: true })).map((found) => found.id)).toContain(id);
    await engine.networks.disconnect(id, other);
    await engine.networks.disconnect(id, other);
    await engine.networks.connect(id, { network: other });
    await engine.networks.connect(id, { network: other });
    await expect(engine.networks.remove(network)).rejects.toBeInstanceOf(Conflict);
    await expect(run([], { name: `${name}-full` })).rejects.toBeInstanceOf(Conflict);
    const port = info?.ports[0]?.host ?? 0;
    await expect(run(['true'], { ports: [{ container: 1, host: port, hostAddress: '127.0.0.1' }] })).rejects.toBeInstanceOf(Conflict);
    await engine.containers.start(id);
    await engine.containers.stop(id);
    await engine.containers.stop(id);
    expect(await engine.containers.inspect(id)).toMatchObject({ running: false, status: 'exited', exitCode: 137 });
    await engine.containers.remove(id);
    await engine.containers.remove(id);
    expect(await engine.containers.inspect(id)).toBeUndefined();
  });

  it('say what they wrote, both streams apart, while they run and after', async () => {
    const id = await run(['sh', '-c', 'echo out; echo err >&2; sleep 0.3; echo late']);
    const told: string[] = [];
    for await (const { stream, bytes } of engine.containers.logs(id, { follow: true })) told.push(`${stream} ${bytes}`);
    expect(told.sort()).toEqual(['stderr err\n', 'stdout late\n', 'stdout out\n']);
    expect(await engine.containers.wait(id)).toMatchObject({ exitCode: 0 });
  });

  it('run a command inside and give its output and exit code', async () => {
    const id = await run(['sleep', '600'], { stopGraceSeconds: 0 });
    expect(await engine.containers.exec(id, ['/bin/busybox', 'sh', '-c', 'echo $X; echo no >&2; exit 4'], { env: { X: 'yes' } })).toEqual({
      exitCode: 4,
      stdout: 'yes\n',
      stderr: 'no\n',
      truncated: false,
    });
    expect(await engine.containers.exec(id, ['/bin/busybox', 'seq', '1', '100000'], { maxOutputBytes: 10 })).toMatchObject({
      stdout: '1\n2\n3\n4\n5\n',
      truncated: true,
    });
    await expect(engine.containers.exec(id, ['/bin/busybox', 'sleep', '60'], { timeoutMs: 500 })).rejects.toBeInstanceOf(TimedOut);
  });

  it('hand out files, up to a limit', async () => {
    const id = await run([
      'sh',
      '-c',
      'busybox mkdir -p /out/deep; echo "<a/>" > /out/a.xml; busybox ln -s /etc /out/deep/link; echo b > /out/deep/b.xml',
    ]);
    await engine.containers.wait(id);
    const files = await engine.containers.copyOut(id, '/out', { maxBytes: 1000 });
    expect(Object.fromEntries(files.map(({ path, bytes }) => [path, bytes.toString()]))).toEqual({
      'out/a.xml': '<a/>\n',
      'out/deep/b.xml': 'b\n',
    });
    await expect(engine.containers.copyOut(id, '/out', { maxBytes: 3 })).rejects.toBeInstanceOf(LimitExceeded);
    await expect(engine.containers.copyOut(id, '/nothing', { maxBytes: 3 })).rejects.toBeInstanceOf(NotFound);
  });

  it('tell what happens to them', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    let id = '';
    for await (const news of engine.events(stop.signal, { types: ['container'], labels })) {
      if (news.kind === 'connected') id = await run(['true']);
      else if (news.event.id === id) seen.push(news.event.action);
      if (seen.includes('die')) stop.abort();
    }
    expect(seen).toEqual(expect.arrayContaining(['create', 'start', 'die']));
  });
});
