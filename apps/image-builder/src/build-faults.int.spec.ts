import { BuildCancelled, BuildFailed, BuildStarted, ImageBuilt } from '@slipway/contracts';
import { aDigest, eventually, realParts, TcpProxy } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuilderScene, base } from './builder-scene.contract.js';

let scene: BuilderScene;
beforeAll(async () => {
  scene = await BuilderScene.build({
    SLIPWAY_BUILD_CONCURRENCY: '1',
    SLIPWAY_BUILD_LOG_BYTES: '64Ki',
    SLIPWAY_BUILD_CONTEXT_BYTES: '4096Ki',
  });
}, 60_000);
afterAll(() => scene.demolish(), 60_000);

const lastError = async (release: string): Promise<string | undefined> =>
  (
    await scene.query<{ last_error: string }>(`select last_error from $schema.operation where kind = 'build' and key like $1`, [
      `${release}/%`,
    ])
  )[0]?.last_error;
const sleeper = (seconds: number): string =>
  `${base}RUN ["/bin/sh","-c","/bin/busybox echo ${aDigest()}; exec /bin/busybox sleep ${seconds}"]\n`;

describe('a build that meets a fault', () => {
  it('adopts what was pushed before a crash, without building or pushing again', async () => {
    const { source, revision } = await scene.commit({ Dockerfile: `${base}COPY Dockerfile /${aDigest().slice(-8)}\n` });
    // What a crash between push and record leaves: everything was done, and nothing of it written down.
    await scene.query(`create function $schema.crash() returns trigger language plpgsql as $$ begin raise exception 'crash'; end $$`);
    await scene.query(
      `create trigger crash before update on $schema.build for each row when (new.state = 'built') execute function $schema.crash()`,
    );
    const release = await scene.detect(await scene.apply(source), { revision });
    await eventually(async () => (await lastError(release.id))?.includes('crash') ?? false, { within: 20_000 });
    const tag = `${scene.project}-${release.number}-${release.id.slice(-12)}`;
    const pushed = await scene.registry.resolve(`builder-scene/${scene.project}`, tag);
    await scene.engine.images.remove(`${scene.repository}:${tag}`, { force: true });
    await scene.query('drop trigger crash on $schema.build');
    const { data } = await scene.told(ImageBuilt, release);
    expect(data).toMatchObject({ built: true, image: { digest: pushed?.digest } });
    await eventually(() => scene.log(release).split('built sha256:').length > 2);
    expect(scene.log(release).split('Step 1/').length).toBe(2);
    expect(scene.all(BuildStarted, release)).toHaveLength(1);
  });

  it('does not adopt an image that somebody else put under its tag', async () => {
    const { source, revision } = await scene.commit({ Dockerfile: `${base}COPY Dockerfile /${aDigest().slice(-8)}\n` });
    const foreign = await scene.registry.resolve(`builder-scene/${scene.project}`, await anyTag());
    const version = await scene.apply(source);
    const id = `00000000-0000-7000-8000-${aDigest().slice(-12)}`;
    const number = 900;
    await scene.registry.tagDigest(`builder-scene/${scene.project}`, foreign?.digest ?? '', `${scene.project}-${number}-${id.slice(-12)}`);
    const release = await scene.detect(version, { id, number, revision, line: 'refs/heads/other', ref: 'refs/heads/other' });
    expect((await scene.told(ImageBuilt, release)).data.image.digest).not.toBe(foreign?.digest);
  });

  it('waits for a registry that is away, and does not call it a failure', async () => {
    const [host = '', port = ''] = realParts().registry.split(':');
    const proxy = await TcpProxy.to({ host: host === 'localhost' ? '127.0.0.1' : host, port: Number(port) });
    try {
      const { source, revision } = await scene.commit({ Dockerfile: `${base}COPY Dockerfile /${aDigest().slice(-8)}\n` });
      const repository = `localhost:${proxy.port}/builder-scene/${scene.project}`;
      const version = await scene.apply(source, { image: { repository } });
      proxy.refuse();
      const release = await scene.detect(version, { revision, line: 'refs/heads/away' });
      await eventually(async () => /not reachable|connection re|EOF/i.test((await lastError(release.id)) ?? ''), { within: 30_000 });
      expect(scene.all(BuildFailed, release)).toEqual([]);
      proxy.restore();
      expect((await scene.told(ImageBuilt, release, 60_000)).data).toMatchObject({ built: true, image: { repository } });
      expect(scene.all(BuildStarted, release)).toHaveLength(1);
    } finally {
      await proxy.close();
    }
  }, 120_000);

  it.each([
    ['its log', { Dockerfile: `${base}RUN ["/bin/sh","-c","/bin/busybox yes"]\n` }, 'log-limit'],
    ['its context', { Dockerfile: base, big: 'x'.repeat(5_000_000) }, 'context-size-limit'],
  ])('is cut by the limit on %s, and says which', async (_, files, code) => {
    const { source, revision } = await scene.commit(files as unknown as Record<string, string>);
    const release = await scene.detect(await scene.apply(source), { revision, line: `refs/heads/${code}` });
    expect((await scene.told(BuildFailed, release)).data.reason.code).toBe(code);
  });

  it('gives way, while it waits, to a newer commit of its line, but not to one of another', async () => {
    const line = 'refs/heads/busy';
    const commits = await Promise.all([sleeper(3), sleeper(3), base, base, base].map((Dockerfile) => scene.commit({ Dockerfile })));
    const versions: number[] = [];
    for (const { source } of commits) versions.push(await scene.apply(source));
    const release = async (at: number, changes: object) =>
      await scene.detect(versions[at] as number, { revision: commits[at]?.revision ?? '', ...changes });
    // Both replicas are busy, so that what comes now waits.
    const busy = [await release(0, { line: 'refs/heads/a' }), await release(1, { line: 'refs/heads/b' })];
    for (const one of busy) await scene.told(BuildStarted, one);
    const older = await release(2, { line });
    const other = await release(3, { line: 'refs/heads/c' });
    const newer = await release(4, { line });
    expect((await scene.told(BuildCancelled, older)).data).toMatchObject({ supersededBy: newer.number, reason: { code: 'superseded' } });
    for (const one of [...busy, other, newer]) await scene.told(ImageBuilt, one, 30_000);
    expect(scene.all(BuildStarted, older)).toEqual([]);
  }, 60_000);

  it('gives way even in the middle where the project says so', async () => {
    const line = 'refs/heads/eager';
    const first = await scene.commit({ Dockerfile: sleeper(600) });
    const second = await scene.commit({ Dockerfile: base });
    const older = await scene.detect(await scene.apply(first.source), { revision: first.revision, line });
    await scene.told(BuildStarted, older);
    const newer = await scene.detect(await scene.apply(second.source, { build: { supersede: 'running' } }), {
      revision: second.revision,
      line,
    });
    expect((await scene.told(BuildCancelled, older)).data.supersededBy).toBe(newer.number);
    await scene.told(ImageBuilt, newer);
  });
});

async function anyTag(): Promise<string> {
  for await (const tag of scene.registry.tags(`builder-scene/${scene.project}`)) return tag;
  throw new Error('nothing was pushed yet');
}
