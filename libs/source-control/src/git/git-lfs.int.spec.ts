import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { everyProcess } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTree, type TestRepository } from '../source-control.contract.js';
import type { Limits, Point, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { GitGround, git, treeOf } from './git-ground.contract.js';
import { type Served, serveHttp, serveSsh } from './git-servers.contract.js';
import { GitSourceControl } from './git-source-control.js';
import { aThief, LfsServerDouble } from './lfs-server.contract.js';

const run = promisify(execFile);
const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
/** What `git lfs install` writes into a developer's own configuration. */
const filters = ['clean', 'smudge'].flatMap((name) => ['-c', `filter.lfs.${name}=git-lfs ${name} -- %f`]);
const plainLfs = [...filters, '-c', 'filter.lfs.process=git-lfs filter-process', '-c', 'filter.lfs.required=true'];

describe('the LFS files of git', () => {
  let ground: GitGround;
  let folder: string;
  let secrets: string;
  let count = 0;
  const closing: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    ground = await GitGround.make();
    folder = await mkdtemp(join(tmpdir(), 'slipway-lfs-'));
    secrets = join(folder, 'secrets');
    await mkdir(join(secrets, 'shop'), { recursive: true, mode: 0o700 });
    await writeFile(join(secrets, 'shop', 'good'), 'ci:s3cret-token\n', { mode: 0o600 });
    await writeFile(join(secrets, 'shop', 'bad'), 'ci:wrong-s3cret\n', { mode: 0o600 });
  });
  afterAll(async () => {
    for (const close of closing) await close();
    for (const each of [ground.folder, folder]) await rm(each, { recursive: true, force: true });
  });

  const control = (limits: Partial<Limits> = {}, dataDir = join(folder, `data-${++count}`)) =>
    new GitSourceControl({ dataDir, secretsDir: secrets, fileFolders: [ground.repositories], limits });
  const point = (repository: TestRepository, revision: string): Point => ({ ref: repository.main, revision });

  /** A Git server with LFS beside it, and a developer's clone that uses it. */
  const aRepository = async (more: Partial<Source> = {}, login?: string) => {
    const lfs = new LfsServerDouble(login);
    const server: Served = await serveHttp(ground.repositories, login, lfs.take);
    closing.push(() => server.close());
    const name = `repo-${++count}`;
    const url = `${server.url}/${name}.git`;
    const repository = await ground.repository(name, url, { name: 'shop', lfs: true, ...more });
    await git(repository.work, 'lfs', 'install', '--local');
    await git(repository.work, 'config', 'lfs.url', `${login ? url.replace('://', `://${login}@`) : url}/info/lfs`);
    await git(repository.work, 'config', 'lfs.locksverify', 'false');
    return { ...repository, lfs, url };
  };
  /** What a plain clone with LFS gives. */
  const cloned = async (url: string, ...more: string[]) => {
    const at = await mkdtemp(join(ground.folder, 'clone-'));
    await git(at, ...plainLfs, 'clone', '-q', ...more, url, 'tree');
    const tree = await treeOf(join(at, 'tree'), '.git');
    return new Map([...tree].filter(([path]) => !path.endsWith('/.git')));
  };
  const archived = async (repository: TestRepository, revision: string, source: Partial<Source> = {}, limits: Partial<Limits> = {}) =>
    readTree(await control(limits).archive({ ...repository.source, ...source }, point(repository, revision)));
  const refusal = async (work: Promise<unknown>): Promise<SourceError> => {
    const error = await work.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SourceError);
    return error as SourceError;
  };
  const contentOf = (tree: Map<string, string>, path: string) =>
    Buffer.from(tree.get(path)?.replace('file ', '') ?? '', 'base64').toString();
  const files = { '.gitattributes': attributes, 'a.bin': randomBytes(200_000), 'deep er/b.bin': 'b', 'none.bin': '', text: 'plain\n' };

  it('are those of a plain clone', async () => {
    const repository = await aRepository();
    const like = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`;
    await repository.commit(files, 'large');
    await git(repository.work, 'config', 'core.hooksPath', '/dev/null');
    const revision = await repository.commit({ 'only-like-one.txt': like }, 'no file of LFS');
    const tree = await archived(repository, revision);
    expect(tree).toEqual(await cloned(repository.url));
    expect(repository.lfs.objects.size).toBe(2);
    const pointers = await archived(repository, revision, { lfs: false });
    expect(pointers.get('a.bin')).not.toEqual(tree.get('a.bin'));
    expect(pointers.get('text')).toEqual(tree.get('text'));
  });

  it('are those of an older revision and of submodules, too', async () => {
    const inner = await aRepository();
    await inner.commit({ '.gitattributes': attributes, 'inner.bin': 'i'.repeat(2_000) }, 'inner');
    const repository = await aRepository({ submodules: true });
    const first = await repository.commit({ '.gitattributes': attributes, 'a.bin': 'old' }, 'first');
    await git(repository.work, ...plainLfs, 'submodule', '--quiet', 'add', inner.url, 'lib');
    const second = await repository.commit({ 'a.bin': 'new' }, 'second');
    expect(await archived(repository, second)).toEqual(await cloned(repository.url, '--recurse-submodules'));
    expect(contentOf(await archived(repository, first), 'a.bin')).toBe('old');
  });

  it('are taken from a folder without any server', async () => {
    const repository = await aRepository();
    await git(repository.work, 'config', '--unset', 'lfs.url');
    await git(repository.work, 'remote', 'set-url', 'origin', `file://${repository.bare}`);
    const revision = await repository.commit(files, 'large');
    const source = { url: `file://${repository.bare}` };
    const tree = await archived(repository, revision, source);
    expect(tree).toEqual(await cloned(source.url));
    expect(repository.lfs.asked).toEqual([]);
    await rm(join(repository.bare, 'lfs'), { recursive: true });
    expect(await refusal(archived(repository, revision, source))).toMatchObject({ reason: 'missing-lfs-file' });
  });

  it('come with the credentials of the source, which nothing shows', async () => {
    const repository = await aRepository({ credentials: 'good' }, 'ci:s3cret-token');
    const revision = await repository.commit(files, 'large');
    let shown = '';
    repository.lfs.instead = () => {
      shown += everyProcess();
      return false;
    };
    const tree = await archived(repository, revision);
    expect(shown).toContain('git-lfs');
    expect(shown.includes('s3cret')).toBe(false);
    repository.lfs.instead = () => false;
    expect(tree).toEqual(await cloned(repository.url.replace('://', '://ci:s3cret-token@')));
  });

  it('are found over ssh by what git-lfs-authenticate answers there', async () => {
    const repository = await aRepository({}, 'given:by-ssh-s3cret');
    const revision = await repository.commit(files, 'large');
    const bin = await mkdtemp(join(folder, 'bin-'));
    const header = { Authorization: `Basic ${Buffer.from('given:by-ssh-s3cret').toString('base64')}` };
    const answer = JSON.stringify({ href: `${repository.url}/info/lfs`, header });
    await writeFile(join(bin, 'git-lfs-authenticate'), `#!/bin/sh\ncat <<'.'\n${answer}\n.\n`, { mode: 0o755 });
    const server = await serveSsh(ground.repositories, secrets, [`SetEnv=PATH=${bin}:/usr/local/bin:/usr/bin:/bin`]);
    closing.push(() => server.close());
    const url = `${server.url}/${basename(repository.bare)}`;
    const tree = await archived(repository, revision, { url, credentials: 'deploy-key' });
    expect(tree).toEqual(await cloned(repository.url.replace('://', '://given:by-ssh-s3cret@')));
  });

  it('say that the server refuses us', async () => {
    const repository = await aRepository();
    const revision = await repository.commit(files, 'large');
    repository.lfs.instead = (_request, response) => {
      response.writeHead(401, { 'lfs-authenticate': 'Basic realm="test"' }).end();
      return true;
    };
    for (const credentials of [undefined, 'bad']) {
      const error = await refusal(archived(repository, revision, { credentials }));
      expect(error).toMatchObject({ reason: 'authentication', passes: false, message: expect.stringContaining('LFS server') });
      expect(`${error.message}${error.stack}`).not.toContain('s3cret');
    }
    expect(repository.lfs.asked.length).toBeLessThan(20);
  });

  it('say which file is missing, and which is not what its pointer says', async () => {
    const repository = await aRepository();
    const revision = await repository.commit(files, 'large');
    const oid = createHash('sha256').update(files['a.bin']).digest('hex');
    const kept = repository.lfs.objects.get(oid) as Buffer;
    repository.lfs.objects.set(oid, Buffer.from('forged'));
    expect(await refusal(archived(repository, revision))).toMatchObject({
      reason: 'missing-lfs-file',
      message: expect.stringContaining('another file'),
    });
    repository.lfs.objects.delete(oid);
    const error = await refusal(archived(repository, revision));
    expect(error).toMatchObject({ reason: 'missing-lfs-file', passes: false });
    expect(error.message).toMatch(/^the LFS file "a\.bin" \([0-9a-f]{12}\) is not on the LFS server/);
    repository.lfs.objects.set(oid, kept);
    expect((await archived(repository, revision)).get('text')).toBeDefined();
    repository.lfs.instead = (_request, response) => Boolean(response.writeHead(503).end()) || true;
    expect(await refusal(archived(repository, revision))).toMatchObject({ reason: 'unreachable', passes: true });
  });

  it('follow .lfsconfig of that revision in what to leave out and where to look, and in nothing else', async () => {
    const repository = await aRepository();
    await repository.commit(files, 'large');
    const other = await aRepository();
    for (const [oid, content] of repository.lfs.objects) other.lfs.objects.set(oid, content);
    const config = `[lfs]\n url = ${other.url}/info/lfs\n fetchexclude = deep*\n skipdownloaderrors = true\n`;
    const revision = await repository.commit({ '.lfsconfig': config }, 'elsewhere');
    const before = repository.lfs.asked.length;
    const tree = await archived(repository, revision);
    expect(tree).toEqual(await cloned(repository.url));
    expect(contentOf(tree, 'deep er/b.bin')).toContain('git-lfs.github.com');
    expect(repository.lfs.asked.length).toBe(before);
    other.lfs.objects.clear();
    expect(await refusal(archived(repository, revision))).toMatchObject({ reason: 'missing-lfs-file' });
  });

  it('are not looked for where .lfsconfig has no business', async () => {
    const repository = await aRepository();
    await repository.commit(files, 'large');
    await git(repository.work, 'config', 'core.hooksPath', '/dev/null');
    for (const url of ['file:///etc', 'ssh://git@elsewhere.example/x.git', 'ext::sh -c id', '-c', 'https://me:secret@elsewhere.example/']) {
      const revision = await repository.commit({ '.lfsconfig': `[lfs]\n url = "${url}"\n` }, url);
      const error = await refusal(archived(repository, revision));
      expect([url, error.reason]).toEqual([url, 'refused-url']);
      expect(error.message).not.toContain('secret');
    }
  });

  it.each(['a redirect', 'the place of a file', '.lfsconfig', 'a submodule'])('give no credentials away by %s', async (way) => {
    const thief = await aThief();
    closing.push(() => thief.close());
    const repository = await aRepository({ credentials: 'good', submodules: true });
    await repository.commit(files, 'large');
    if (way === '.lfsconfig') await repository.commit({ '.lfsconfig': `[lfs]\n url = ${thief.url}/info/lfs\n` }, 'there');
    if (way === 'a submodule') {
      const inner = await aRepository();
      await inner.commit({ ...files, '.lfsconfig': `[lfs]\n url = ${thief.url}/info/lfs\n` }, 'there');
      await git(repository.work, '-c', 'core.hooksPath=/dev/null', 'submodule', '--quiet', 'add', inner.url, 'lib');
    }
    const revision = await repository.commit({}, 'last');
    repository.lfs.instead = (request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'lfs-authenticate': 'Basic realm="test"' }).end();
        return true;
      }
      if (way === 'a redirect') response.writeHead(307, { location: `${thief.url}${request.url}` }).end();
      else if (way === 'the place of a file' && request.method === 'POST') void sendTo(thief.url, request, response);
      else return false;
      return true;
    };
    const error = await refusal(archived(repository, revision));
    // Sent on, git-lfs asks for credentials before it knocks.
    expect(error).toMatchObject({ reason: 'authentication', message: expect.stringContaining(thief.url) });
    if (way !== 'a redirect') expect(thief.seen.length).toBeGreaterThan(0);
    expect(thief.seen.filter((header) => header !== undefined)).toEqual([]);
  });

  it('need git-lfs, and say so', async () => {
    const repository = await aRepository();
    const revision = await repository.commit(files, 'large');
    const bin = await mkdtemp(join(folder, 'bin-'));
    await symlink((await run('sh', ['-c', 'command -v git'])).stdout.trim(), join(bin, 'git'));
    const path = process.env.PATH;
    process.env.PATH = bin;
    try {
      const error = await refusal(archived(repository, revision));
      expect(error).toMatchObject({ reason: 'needs-git-lfs', message: expect.stringContaining('install it') });
    } finally {
      process.env.PATH = path;
    }
  });

  it('are bounded before anything is fetched, and while a server sends more than it should', async () => {
    const repository = await aRepository();
    const revision = await repository.commit(files, 'large');
    const before = repository.lfs.asked.length;
    expect(await refusal(archived(repository, revision, {}, { lfsFileBytes: 100_000 }))).toMatchObject({ reason: 'too-large' });
    expect(await refusal(archived(repository, revision, {}, { archiveBytes: 100_000 }))).toMatchObject({ reason: 'too-large' });
    expect(repository.lfs.asked.length).toBe(before);
    repository.lfs.instead = (request, response) => {
      if (request.method !== 'GET') return false;
      response.writeHead(200);
      const more = () => {
        if (!response.destroyed) response.write(Buffer.alloc(256 * 1024), more);
      };
      more();
      return true;
    };
    const dataDir = join(folder, 'endless');
    const archive = await control({}, dataDir).archive(repository.source, point(repository, revision));
    expect(await refusal(readTree(archive))).toMatchObject({ reason: 'too-large', message: expect.stringContaining('LFS server') });
    expect(await readdir(join(dataDir, 'git-lfs'))).toEqual([]);
  });
});

/** A batch answer that says the files are at another place. */
async function sendTo(place: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const asked = (await json(request)) as { objects: { oid: string; size: number }[] };
  const objects = asked.objects.map((each) => ({ ...each, actions: { download: { href: `${place}/${each.oid}` } } }));
  response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify({ transfer: 'basic', objects }));
}
