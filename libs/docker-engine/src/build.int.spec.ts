import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { eventually } from '@slipway/testkit';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildFailed, Cancelled, DockerEngine, LimitExceeded, TimedOut, Unavailable } from './index.js';

const name = `engine-spec-${randomUUID().slice(0, 8)}`;
const labels = { 'dev.slipway.test': name };
const engine = DockerEngine.connect(process.env.DOCKER_HOST);
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
/** What our containers run. */
const commands = async (): Promise<string[]> => {
  const found = await Promise.all((await engine.containers.list({ labels })).map(({ id }) => engine.containers.inspect(id)));
  return found.map((info) => [...(info?.entrypoint ?? []), ...(info?.command ?? [])].join(' '));
};
beforeAll(async () => {
  busybox = await readFile('/bin/busybox');
});
afterAll(async () => {
  for (const container of await engine.containers.list({ labels })) await engine.containers.remove(container.id, { force: true });
  for (const network of await engine.networks.list({ labels })) await engine.networks.remove(network.id);
  for (const volume of await engine.volumes.list({ labels })) await engine.volumes.remove(volume.name);
  for (const found of await engine.images.list({ labels })) await engine.images.remove(found.id, { force: true });
});

describe('building', () => {
  it('gives the image its labels, arguments and target, and tells the log line by line', async () => {
    const log: string[] = [];
    const dockerfile = `${base}ARG WHO\nRUN ["/bin/sh","-c","/bin/busybox echo hello $WHO"]\nFROM scratch AS small\nCOPY busybox /only\nFROM scratch AS other\nCOPY missing /\n`;
    const { imageId } = await build(dockerfile, {
      args: { WHO: 'world' },
      target: 'small',
      noCache: true,
      onLog: (line) => log.push(line),
    });
    expect(await engine.images.inspect(imageId)).toMatchObject({ labels, tags: [`${name}:try`] });
    expect(log).toContain('hello world');
  });

  it('gives many labels by one step, whatever is in them, and keeps what an image does when it is built upon', async () => {
    const many = { ...labels, 'a.quote': '"x" \\ $HOME `y`', 'b.lines': 'one\ntwo', 'c.ünï': 'ß 中' };
    const dockerfile = `${base}ENV KEPT=1\nENTRYPOINT ["/bin/busybox"]\n`;
    const log: string[] = [];
    const own = { labels: many, noCache: true };
    const { imageId } = await build(dockerfile, { ...own, context: () => context(dockerfile), onLog: (line) => log.push(line) });
    expect((await engine.images.inspect(imageId))?.labels).toEqual({ ...many, 'b.lines': 'one two' });
    expect((await engine.images.inspect(`${name}:try`))?.id).toBe(imageId);
    expect(log.filter((line) => line.startsWith('Step') && line.includes('LABEL'))).toHaveLength(1);
    const id = await engine.containers.create({ image: imageId, command: ['true'], labels });
    expect(await engine.containers.inspect(id)).toMatchObject({
      env: expect.objectContaining({ KEPT: '1' }),
      entrypoint: ['/bin/busybox'],
    });
    const trigger = `${base}ONBUILD RUN ["/bin/sh","-c","exit 1"]\n`;
    const based = await build(trigger, { ...own, context: () => context(trigger) });
    expect((await engine.images.inspect(based.imageId))?.labels).toMatchObject(labels);
    await expect(build(`FROM ${based.imageId.slice(7)}\n`)).rejects.toBeInstanceOf(BuildFailed);
  });

  it('tells which image it pulled to build on, and believes no step that says so', async () => {
    const registry = process.env.SLIPWAY_REGISTRY ?? 'localhost:5000';
    const tag = `${registry}/${name}:base`;
    await build(base, { tag, noCache: true });
    const { digest } = await engine.push({ reference: tag });
    await engine.images.remove(tag);
    const pinned = `${registry}/${name}@${digest}`;
    const pulled: string[] = [];
    const dockerfile = `FROM ${pinned}\nRUN ["/bin/sh","-c","/bin/busybox echo Status: Downloaded newer image for theirs"]\n`;
    for (let time = 1; time <= 2; time += 1) await build(dockerfile, { onPulled: (reference) => pulled.push(reference) });
    expect(pulled).toEqual([pinned]);
  });

  it('says which step failed, with its exit code', async () => {
    const failure = await build(`${base}RUN ["/bin/sh","-c","/bin/busybox echo broken; exit 3"]\n`).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BuildFailed);
    expect(failure).toMatchObject({ step: expect.stringMatching(/^Step 5\/\d+ : RUN/), exitCode: 3, transient: false });
  });

  it.each([
    ['an unknown instruction', 'FROM scratch\nFETCH x\n', {}],
    ['an empty Dockerfile', '\n', {}],
    ['a missing file', 'FROM scratch\nCOPY nothing /\n', {}],
    ['a mount', `${base}RUN --mount=type=bind,from=scratch,target=/x true\n`, {}],
    ['the network of the host', `${base}RUN --network=host true\n`, {}],
    ['an unknown target', base, { target: 'nowhere' }],
    ['a link out of the context', 'FROM scratch\nCOPY ../../etc/passwd /\n', {}],
  ])('fails for good for %s', async (_, dockerfile, more) => {
    await expect(build(dockerfile, more)).rejects.toBeInstanceOf(BuildFailed);
  });

  it('does not call a registry that is away a failure of the Dockerfile', async () => {
    await expect(build('FROM localhost:1/nothing\n')).rejects.toBeInstanceOf(Unavailable);
  });

  it('ends the build and its containers when it is cancelled or takes too long', async () => {
    const marker = `never-${randomUUID()}`;
    const dockerfile = `${base}RUN ["/bin/sh","-c","/bin/busybox echo ${marker}; exec /bin/busybox sleep 600"]\n`;
    const ours = async (): Promise<number> => {
      const running = await engine.containers.list({ running: true });
      const infos = await Promise.all(running.map((container) => engine.containers.inspect(container.id)));
      return infos.filter((info) => info && [...info.entrypoint, ...info.command].join(' ').includes(marker)).length;
    };
    const cancel = new AbortController();
    const cancelled = build(dockerfile, { signal: cancel.signal, onLog: (line) => line === marker && cancel.abort() });
    await expect(cancelled).rejects.toBeInstanceOf(Cancelled);
    await eventually(async () => (await ours()) === 0);
    await expect(build(dockerfile, { timeoutMs: 2000 })).rejects.toBeInstanceOf(TimedOut);
    await eventually(async () => (await ours()) === 0);
  });

  it('ends with the error of whoever reads the log, or of the context', async () => {
    const full = new LimitExceeded('log size', 'too much');
    const noisy = build(`${base}RUN ["/bin/sh","-c","/bin/busybox yes"]\n`, {
      onLog: (line) => {
        if (line === 'y') throw full;
      },
    });
    await expect(noisy).rejects.toBe(full);
    const broken = new Readable({ read: () => undefined });
    const building = engine.buildImage({ context: broken, tag: `${name}:try` });
    broken.destroy(full);
    await expect(building).rejects.toBe(full);
  });

  it('ends a build whose step fills the disk, and removes what it wrote', async () => {
    const mark = randomUUID();
    const write = `/bin/busybox dd if=/dev/zero of=/${mark} bs=1M count=40; exec /bin/busybox sleep 600`;
    const filling = build(`${base}RUN ["/bin/sh","-c","${write}"]\n`, { limits: { diskBytes: 20 * 1024 * 1024 } });
    await expect(filling).rejects.toMatchObject({ name: 'LimitExceeded', limit: 'disk', message: expect.stringContaining('20 MiB') });
    await eventually(async () => !(await commands()).some((command) => command.includes(mark)));
  });

  it('lets a step begin only so many processes, and ends a build that has them all', async () => {
    const mark = randomUUID();
    const log: string[] = [];
    const many = '(while :; do /bin/busybox sleep 600 & done)';
    const bombing = build(`${base}RUN ["/bin/sh","-c","/bin/busybox sleep 2; ${many}; exec /bin/busybox sleep 600 # ${mark}"]\n`, {
      limits: { pids: 64, memoryBytes: 64 * 1024 * 1024 },
      onLog: (line) => log.push(line),
    });
    await expect(bombing).rejects.toMatchObject({
      name: 'LimitExceeded',
      limit: 'processes',
      message: expect.stringMatching(/may have 64$/),
    });
    expect(log.join('\n')).toContain("can't fork");
    await eventually(async () => !(await commands()).some((command) => command.includes(mark)));
  });

  it('believes no step that names other containers in the log', async () => {
    const MiB = 1024 * 1024;
    const image = (await build(base)).imageId;
    const notes: string[] = [];
    let [step, other] = ['', ''];
    const give = async (name: string, text: string): Promise<void> => {
      const tar = pack();
      tar.entry({ name }, text);
      tar.finalize();
      await engine.containers.copyIn(step, '/', Readable.from(tar, { objectMode: false }));
    };
    // Made while the step runs, on its network: only its memory tells it from a step.
    const lie = async (): Promise<void> => {
      const limits = { pids: 1000, memoryBytes: 64 * MiB };
      other = await engine.containers.create({ image, command: ['/bin/busybox', 'sleep', '600'], limits, labels });
      await engine.containers.start(other);
      const named = [other.slice(0, 12), randomUUID().replaceAll('-', '').slice(0, 12)];
      await give('lies', named.map((id) => ` ---> Running in ${id}\n`).join(''));
    };
    const awaiting = (name: string): string => `until /bin/busybox cat /${name} 2>/dev/null; do /bin/busybox sleep 0.1; done`;
    const write = `/bin/busybox echo ready; ${awaiting('lies')}; ${awaiting('seen')}; /bin/busybox dd if=/dev/zero of=/big bs=1M count=40; exec /bin/busybox sleep 600`;
    let [lying, seen]: Promise<void>[] = [];
    const filling = build(`${base}RUN ["/bin/sh","-c",${JSON.stringify(write)}]\n`, {
      limits: { diskBytes: 20 * MiB, pids: 64, memoryBytes: 128 * MiB },
      onLog: (line) => {
        step ||= / ---> Running in (\w+)/.exec(line)?.[1] ?? '';
        if (line === 'ready') lying = lie();
      },
      onNote: (line) => {
        notes.push(line);
        seen = give('seen', '');
      },
    });
    await expect(filling).rejects.toMatchObject({ limit: 'disk' });
    await lying;
    await seen;
    expect((await engine.containers.inspect(other))?.limits.pids).toBe(1000);
    expect(notes).toEqual([expect.stringContaining(`${other.slice(0, 12)} that is none of this build`)]);
    const many = `${base}RUN ["/bin/sh","-c","/bin/busybox seq 100000000000 100000001000 | /bin/busybox sed 's/^/ ---> Running in /'; exec /bin/busybox sleep 600"]\n`;
    await expect(build(many, { limits: { pids: 64 } })).rejects.toMatchObject({ limit: 'steps' });
  });

  it('keeps a command within its memory', async () => {
    const dockerfile = `${base}RUN ["/bin/sh","-c","/bin/busybox dd if=/dev/zero of=/dev/null bs=200M count=1"]\n`;
    await expect(build(dockerfile, { limits: { memoryBytes: 32 * 1024 * 1024, cpus: 1 } })).rejects.toMatchObject({
      exitCode: expect.any(Number),
    });
  });
});
