import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everyProcess } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTree, reasonOf, type TestRepository } from '../source-control.contract.js';
import type { Point, Source, SourceControlConfig } from '../source-control.js';
import { GitGround, git } from './git-ground.contract.js';
import { type Served, serveHttp, serveSsh } from './git-servers.contract.js';
import { GitSourceControl } from './git-source-control.js';

describe('git and what may go wrong', () => {
  let ground: GitGround;
  let folder: string;
  let secrets: string;
  let count = 0;
  const servers: Served[] = [];

  beforeAll(async () => {
    ground = await GitGround.make();
    folder = await mkdtemp(join(tmpdir(), 'slipway-hostile-'));
    secrets = await mkdtemp(join(tmpdir(), 'slipway-secrets-'));
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    for (const each of [ground.folder, folder, secrets]) await rm(each, { recursive: true, force: true });
  });

  const control = (config: Partial<SourceControlConfig> = {}) =>
    new GitSourceControl({ dataDir: join(folder, `data-${++count}`), secretsDir: secrets, fileFolders: [ground.repositories], ...config });
  const onDisk = async (source: Partial<Source> = {}) => {
    const name = `repo-${++count}`;
    return ground.repository(name, `file://${ground.repositories}/${name}.git`, source);
  };
  const serving = async (server: Served) => {
    servers.push(server);
    return server;
  };
  const point = (repository: TestRepository, revision: string): Point => ({ ref: repository.main, revision });

  it('still finds a commit that a rewound branch left behind', async () => {
    const repository = await onDisk();
    const first = await repository.commit({ a: '1' }, 'first');
    const second = await repository.commit({ a: '2' }, 'second');
    await git(repository.work, 'reset', '-q', '--hard', first);
    const third = await repository.commit({ a: '3' }, 'third');
    const other = control();
    await other.fetch(repository.source);
    expect(await other.isAncestor(repository.source, point(repository, second), point(repository, third))).toBe(false);
    expect((await other.file(repository.source, point(repository, second), 'a'))?.toString()).toBe('2');
  });

  it('replaces a branch by one that needs its name as a folder', async () => {
    const repository = await onDisk({ branches: ['main', 'side', 'side/*'] });
    await repository.commit({ a: '1' }, 'first');
    await git(repository.work, 'push', '-q', 'origin', 'main:side');
    const one = control();
    await one.fetch(repository.source);
    await git(repository.work, 'push', '-q', 'origin', ':side');
    await git(repository.work, 'push', '-q', 'origin', 'main:side/two');
    await one.fetch(repository.source);
    expect((await one.heads(repository.source)).heads.map(({ ref }) => ref)).toEqual(['refs/heads/main', 'refs/heads/side/two']);
  });

  it('makes a damaged copy anew', async () => {
    const repository = await onDisk();
    const revision = await repository.commit({ a: 'x'.repeat(10_000), b: 'y' }, 'first');
    const dataDir = join(folder, 'damaged');
    const one = control({ dataDir });
    await one.fetch(repository.source);
    const [mirror = ''] = (await readdir(join(dataDir, 'git'))).filter((name) => name.endsWith('.git'));
    const objects = join(dataDir, 'git', mirror, 'objects');
    for (const name of await readdir(objects, { recursive: true })) {
      if ((await stat(join(objects, name))).isFile()) {
        await chmod(join(objects, name), 0o600);
        await truncate(join(objects, name), 0);
      }
    }
    expect(await one.changedPaths(repository.source, undefined, point(repository, revision))).toEqual(['a', 'b']);
    await rm(join(dataDir, 'git', mirror, 'refs'), { recursive: true });
    await one.fetch(repository.source);
    await rm(join(dataDir, 'git', mirror, 'HEAD'));
    expect((await one.file(repository.source, point(repository, revision), 'b'))?.toString()).toBe('y');
    await writeFile(join(dataDir, 'git', mirror, 'packed-refs.lock'), 'left by a killed process');
    await repository.commit({ a: null }, 'second');
    await one.fetch(repository.source);
  });

  it('logs in with a secret that no argument, environment or message shows', async () => {
    let shown = '';
    const server = await serving(
      await serveHttp(ground.repositories, 'ci:s3cret-token', () => {
        shown += everyProcess();
        return false;
      }),
    );
    const repository = await onDisk();
    const revision = await repository.commit({ a: '1' }, 'first');
    await mkdir(join(secrets, 'shop'), { recursive: true });
    await writeFile(join(secrets, 'shop', 'good'), 'ci:s3cret-token\n', { mode: 0o600 });
    await writeFile(join(secrets, 'shop', 'bad'), 'ci:wrong-s3cret\n', { mode: 0o600 });
    const url = `${server.url}/${repository.source.name}.git`;
    const source = { ...repository.source, name: 'shop', url };
    expect((await control().heads({ ...source, credentials: 'good' })).heads[0]?.revision).toBe(revision);
    const failures = await Promise.all(
      [source, { ...source, credentials: 'bad' }, { ...source, credentials: 'absent' }, { ...source, credentials: '../good' }].map((each) =>
        control()
          .heads(each)
          .then(
            () => undefined,
            (error: Error) => error,
          ),
      ),
    );
    for (const failure of failures) expect(failure).toMatchObject({ reason: 'authentication' });
    expect(failures.map((failure) => JSON.stringify([failure?.message, failure?.stack])).join()).not.toContain('s3cret');
    expect(shown).toContain('git-remote-http');
    expect(shown.includes('s3cret')).toBe(false);
    await expect(reasonOf(control().heads({ ...source, url: url.replace('http://', 'http://ci:s3cret-token@') }))).resolves.toBe(
      'refused-url',
    );
  });

  it('asks no other server that it is sent on to, with or without credentials', async () => {
    const seen: string[] = [];
    const inside: Server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="thief"' }).end();
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', () => resolve()));
    const elsewhere = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`;
    const server = await serving(
      await serveHttp(ground.repositories, undefined, (request, response) => {
        response.writeHead(302, { location: `${elsewhere}${request.url}` }).end();
        return true;
      }),
    );
    await mkdir(join(secrets, 'shop'), { recursive: true });
    await writeFile(join(secrets, 'shop', 'good'), 'ci:s3cret-token\n', { mode: 0o600 });
    const repository = await onDisk({ name: 'shop', credentials: 'good' });
    const refusal = { reason: 'refused-url', message: expect.stringContaining(`write ${elsewhere}/x.git as url`) };
    await expect(control().heads({ ...repository.source, url: `${server.url}/x.git` })).rejects.toMatchObject(refusal);
    inside.closeAllConnections();
    await new Promise((resolve) => inside.close(resolve));
    expect(seen).toEqual([]);
  });

  it('goes where the same server sends it on to, as many do that leave .git out', async () => {
    let sent = 0;
    const server = await serving(
      await serveHttp(ground.repositories, undefined, (request, response) => {
        if (request.url?.includes('.git/')) return false;
        sent++;
        response.writeHead(301, { location: request.url?.replace('/info/', '.git/info/') }).end();
        return true;
      }),
    );
    const repository = await onDisk();
    const revision = await repository.commit({ a: '1' }, 'first');
    const [one, source] = [control(), { ...repository.source, url: `${server.url}/${repository.source.name}` }];
    expect((await one.heads(source)).heads).toMatchObject([{ revision }]);
    await one.fetch(source);
    expect((await one.file(source, point(repository, revision), 'a'))?.toString()).toBe('1');
    expect(sent).toBe(2);
  });

  it('gives up on a server that answers too slowly or never', async () => {
    const silent = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' });
      response.write('0');
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()));
    const repository = await onDisk();
    const source = { ...repository.source, url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x.git` };
    await expect(reasonOf(control({ limits: { stallSeconds: 1 } }).heads(source))).resolves.toBe('timeout');
    await expect(reasonOf(control().heads(source, { timeoutMs: 300 }))).resolves.toBe('timeout');
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    await expect(reasonOf(control().heads(source))).resolves.toBe('unreachable');
  });

  it('says that what answers is no repository', async () => {
    const page = await serving(
      await serveHttp(ground.repositories, undefined, (_request, response) => Boolean(response.end('<html>hello</html>')) || true),
    );
    const repository = await onDisk();
    await expect(reasonOf(control().heads({ ...repository.source, url: `${page.url}/x.git` }))).resolves.toBe('not-a-repository');
  });

  it('bounds copies, archives and the number of refs', async () => {
    const repository = await onDisk();
    const revision = await repository.commit({ big: randomBytes(3_000_000) }, 'big');
    await expect(reasonOf(control({ limits: { mirrorBytes: 1_000_000 } }).fetch(repository.source))).resolves.toBe('too-large');
    const stream = await control({ limits: { archiveBytes: 1_000_000 } }).archive(repository.source, point(repository, revision));
    await expect(reasonOf(readTree(stream))).resolves.toBe('too-large');
    for (const name of ['v1', 'v2', 'v3']) await git(repository.work, 'push', '-q', 'origin', `main:refs/tags/${name}`);
    await expect(reasonOf(control({ limits: { refs: 2 } }).heads(repository.source))).resolves.toBe('too-large');
  });

  it('refuses a server whose host key is not the pinned one', async () => {
    const server = await serveSsh(ground.repositories, secrets);
    servers.push(server);
    const repository = await onDisk({ credentials: 'deploy-key' });
    await repository.commit({ a: '1' }, 'first');
    const source = { ...repository.source, name: 'shop', url: `${server.url}/${repository.source.name}.git` };
    expect((await control().heads(source)).heads).toHaveLength(1);
    await expect(reasonOf(control({ knownHostsFile: '/dev/null' }).heads(source))).resolves.toBe('host-key-changed');
    await server.rekey();
    await expect(reasonOf(control().heads(source))).resolves.toBe('host-key-changed');
  });

  it('writes its private files for its owner only', async () => {
    const dataDir = join(folder, 'modes');
    const repository = await onDisk();
    await repository.commit({ a: '1' }, 'first');
    await control({ dataDir }).heads(repository.source);
    expect((await stat(join(dataDir, 'git-home'))).mode & 0o77).toBe(0);
    expect(await readFile(join(dataDir, 'git-home', 'credentials'), 'utf8')).not.toContain('s3cret');
  });
});
