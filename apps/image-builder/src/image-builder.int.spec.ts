import { BuildCancelled, BuildFailed, BuildStarted, ImageBuilt } from '@slipway/contracts';
import { attestationsOf } from '@slipway/registry';
import { aDigest, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuilderScene, base } from './builder-scene.contract.js';

let scene: BuilderScene;
beforeAll(async () => {
  scene = await BuilderScene.build();
}, 60_000);
afterAll(() => scene.demolish(), 60_000);

const statementOf = (payload: string) => JSON.parse(Buffer.from(payload, 'base64').toString());

describe('image-builder', () => {
  it('turns a commit into an image in the registry, with labels, log and signed provenance', async () => {
    const { source, revision } = await scene.commit({
      Dockerfile: `${base}ARG WHO\nRUN ["/bin/sh","-c","/bin/busybox echo hello $WHO"]\n`,
      '.dockerignore': '*.md',
      'secret.md': 'x',
    });
    const version = await scene.apply(source, { build: { docker: { args: { WHO: scene.project } } } });
    const release = await scene.detect(version, { revision });
    const { data, causationId } = await scene.told(ImageBuilt, release);
    expect(data).toMatchObject({
      release,
      built: true,
      projectVersion: version,
      authors: [{ name: 'Ann' }],
      image: { repository: scene.repository },
    });
    expect(causationId).toBe(scene.all(BuildStarted, release)[0]?.causationId);
    const path = `builder-scene/${scene.project}`;
    expect(await scene.registry.has(path, data.image.digest)).toBe(true);
    const local = await scene.engine.images.inspect(`${scene.repository}@${data.image.digest}`);
    expect(local?.labels).toMatchObject({
      'org.opencontainers.image.revision': revision,
      'dev.slipway.release': release.id,
      'dev.slipway.project': scene.project,
    });
    const { payload, payloadType, signatures } = data.provenance;
    expect(scene.keys.trust.verify(payloadType, Buffer.from(payload, 'base64'), signatures, { service: 'image-builder' })).toMatchObject({
      ok: true,
    });
    expect(statementOf(payload)).toMatchObject({
      subject: [{ name: scene.repository, digest: { sha256: data.image.digest.slice(7) } }],
      predicate: { buildDefinition: { externalParameters: { revision, args: { WHO: scene.project } } } },
    });
    await eventually(() => scene.log(release).includes(`hello ${scene.project}`));
    const [kept] = await eventually(async () => {
      const found = await attestationsOf(scene.registry, path, data.image.digest);
      return found.length > 0 ? found : false;
    });
    expect(JSON.parse(kept?.bytes.toString() ?? '')).toEqual(data.provenance);
  });

  it('builds a revision of Subversion', async () => {
    const { url, revision } = await scene.commitSvn({ Dockerfile: `${base}COPY run.sh /run.sh\n`, 'run.sh': 'echo' });
    const version = await scene.apply('', { source: { svn: { url, branches: ['trunk'] } } });
    const release = await scene.detect(version, { revision, ref: 'refs/heads/trunk', line: 'refs/heads/trunk' });
    const { data } = await scene.told(ImageBuilt, release);
    expect(statementOf(data.provenance.payload).predicate.buildDefinition.resolvedDependencies).toEqual([
      { uri: `svn+${url}@refs/heads/trunk`, digest: { svnRevision: '1' } },
    ]);
  });

  it('builds a release once, however often it is detected, and one revision once for all its releases', async () => {
    const { source, revision } = await scene.commit({ Dockerfile: `${base}RUN ["/bin/sh","-c","/bin/busybox sleep 1"]\n` });
    const version = await scene.apply(source);
    const release = await scene.detect(version, { revision });
    await scene.told(BuildStarted, release);
    const [again, tag] = await Promise.all([
      scene.detect(version, release),
      scene.detect(version, { revision, kind: 'tag', ref: 'refs/tags/v1', line: release.line }),
    ]);
    const built = await scene.told(ImageBuilt, release);
    const taken = await scene.told(ImageBuilt, tag);
    expect(again.id).toBe(release.id);
    expect(taken.data).toMatchObject({ built: false, image: built.data.image });
    expect(statementOf(taken.data.provenance.payload).predicate.buildDefinition.internalParameters.builtAs).toEqual({
      release: release.id,
      number: release.number,
    });
    expect(scene.all(BuildStarted, release)).toHaveLength(1);
    expect(scene.all(BuildStarted, tag)).toHaveLength(0);
  });

  it('answers at once where the image is known, its provenance saying so', async () => {
    const { source } = await scene.commit({ Dockerfile: base });
    const version = await scene.apply(source);
    const image = { repository: scene.repository, digest: aDigest() };
    const release = await scene.detect(version, { kind: 'configuration' }, image);
    const { data } = await scene.told(ImageBuilt, release);
    expect(data).toMatchObject({ built: false, image, seconds: 0 });
    expect(statementOf(data.provenance.payload).predicate.buildDefinition.buildType).toContain('known-image');
  });

  it.each([
    [
      'a failing command',
      { Dockerfile: `${base}RUN ["/bin/sh","-c","/bin/busybox echo broken on purpose; exit 7"]\n` },
      {},
      'build-failed',
      /non-zero code: 7/,
    ],
    ['a missing Dockerfile', { README: '' }, {}, 'context-refused', /the Dockerfile "Dockerfile" is not in the build context/],
    [
      'a Dockerfile that is a link out of the context',
      { Dockerfile: '->../../../etc/passwd' },
      {},
      'context-refused',
      /points out of the build context/,
    ],
    ['a Dockerfile above the context', { Dockerfile: base }, { dockerfile: '../Dockerfile' }, 'context-refused', /without "\.\."/],
    [
      'a file copied from outside through a link',
      { Dockerfile: 'FROM scratch\nCOPY passwd /\n', passwd: '->/etc/passwd' },
      {},
      'build-failed',
      /COPY failed: .*passwd/,
    ],
    [
      'an endless build',
      { Dockerfile: `${base}RUN ["/bin/sh","-c","/bin/busybox sleep 600"]\n` },
      { timeout: '1s' },
      'time-limit',
      /limit of 1 s/,
    ],
    ['an unknown revision', { Dockerfile: base }, {}, 'source-unknown-revision', /no commit 0{12} any more/],
  ])('says what failed: %s', async (name, files, docker, code, message) => {
    const { source, revision } = await scene.commit(files as unknown as Record<string, string>);
    const version = await scene.apply(source, { build: { docker } });
    const release = await scene.detect(version, { revision: name === 'an unknown revision' ? '0'.repeat(40) : revision });
    const { data } = await scene.told(BuildFailed, release);
    expect(data.reason).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(data.authors).toMatchObject([{ email: 'ann@shop.example' }]);
    if (name === 'a failing command') {
      expect(data.step).toMatch(/^Step 5\/\d+ : RUN/);
      expect(data.logTail).toContain('broken on purpose');
    }
  });

  it('builds a failed release again when a person asks, and refuses what makes no sense', async () => {
    const { source, revision } = await scene.commit({ Dockerfile: 'FROM scratch\nCOPY missing /\n' });
    const release = await scene.detect(await scene.apply(source), { revision });
    await scene.told(BuildFailed, release);
    expect(await scene.command('release.cancel', release.id)).toMatchObject({
      name: 'command.refused',
      data: { reason: { code: 'build-failed' } },
    });
    expect(await scene.command('release.retry', release.id)).toMatchObject({ name: 'command.accepted' });
    await eventually(() => scene.all(BuildFailed, release).some(({ data }) => data.attempt === 2), { within: 20_000 });
    expect(await scene.command('release.retry', aDigest().slice(7, 15).concat('-0000-7000-8000-000000000000'))).toMatchObject({
      name: 'command.refused',
      data: { reason: { code: 'release-unknown' } },
    });
  });

  it('stops a build and its containers when a person cancels it', async () => {
    const marker = `marker-${aDigest().slice(-12)}`;
    const { source, revision } = await scene.commit({
      Dockerfile: `${base}RUN ["/bin/sh","-c","/bin/busybox echo ${marker}; exec /bin/busybox sleep 600"]\n`,
    });
    const release = await scene.detect(await scene.apply(source), { revision });
    await eventually(() => scene.log(release).includes(marker), { within: 20_000 });
    expect(await scene.command('release.cancel', release.id)).toMatchObject({ name: 'command.accepted' });
    expect((await scene.told(BuildCancelled, release)).data).toMatchObject({ supersededBy: null, reason: { code: 'asked' } });
    await eventually(async () => {
      const running = await scene.engine.containers.list({ running: true });
      const all = await Promise.all(running.map(({ id }) => scene.engine.containers.inspect(id)));
      return !all.some((info) => info && [...info.entrypoint, ...info.command].join(' ').includes(marker));
    });
  });
});
