import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Served } from '../git/git-servers.contract.js';
import { reasonOf } from '../source-control.contract.js';
import { SvnGround, serveSvn, svn } from './svn-servers.contract.js';
import { SvnSourceControl } from './svn-source-control.js';
import { parseInfo } from './svn-xml.js';

describe('svn and what may go wrong', () => {
  let ground: SvnGround;
  let folder: string;
  let server: Served;

  beforeAll(async () => {
    ground = await SvnGround.make();
    folder = await mkdtemp(join(tmpdir(), 'slipway-svn-hostile-'));
    server = await serveSvn(ground.repositories);
  });
  afterAll(async () => {
    await server?.close();
    for (const each of [ground.folder, folder]) await rm(each, { recursive: true, force: true });
  });

  const control = (limits = {}) =>
    new SvnSourceControl({ dataDir: join(folder, 'data'), secretsDir: folder, fileFolders: [ground.repositories], limits });

  it('logs in with a password that no argument or message shows', async () => {
    const repository = await ground.repository('locked', `${server.url}/locked`, { branches: ['trunk'], tags: [] });
    await repository.commit({ a: '1' }, 'first');
    await ground.lock('locked', 'ci', 's3cret word');
    await mkdir(join(folder, 'locked'));
    await writeFile(join(folder, 'locked', 'good'), 'ci:s3cret word\n', { mode: 0o600 });
    await writeFile(join(folder, 'locked', 'bad'), 'ci:wrong s3cret\n', { mode: 0o600 });
    expect((await control().heads({ ...repository.source, credentials: 'good' })).heads).toHaveLength(1);
    const failures = await Promise.all(
      [repository.source, { ...repository.source, credentials: 'bad' }].map((each) =>
        control()
          .heads(each)
          .then(
            () => undefined,
            (error: Error) => error,
          ),
      ),
    );
    for (const failure of failures) expect(failure).toMatchObject({ reason: 'authentication' });
    expect(failures.map((failure) => failure?.message).join()).not.toContain('s3cret');
    const kept = (await readdir(join(folder, 'data'), { recursive: true })).join();
    expect(kept).not.toMatch(/svn\.simple\/[^,]/);
  });

  it('takes no password that others on the machine can read', async () => {
    const file = join(folder, 'open', 'good');
    await mkdir(join(folder, 'open'), { mode: 0o700 });
    await writeFile(file, 'ci:s3cret word\n', { mode: 0o644 });
    const source = { name: 'open', url: `${server.url}/open`, branches: ['trunk'], tags: [], credentials: 'good' };
    await expect(control().heads(source)).rejects.toMatchObject({
      reason: 'authentication',
      message: expect.stringContaining(`chmod 600 ${file}`),
    });
  });

  it('sees a trunk that was deleted and made anew as another line', async () => {
    const repository = await ground.repository('anew', `${server.url}/anew`, { branches: ['trunk'], tags: [] });
    const first = await repository.commit({ a: '1' }, 'first');
    await repository.remove('refs/heads/trunk');
    await svn(ground.folder, 'mkdir', '-q', '-m', 'again', `${repository.local}/trunk`);
    const second = await repository.commit({ a: '2' }, 'second');
    const at = (revision: string) => ({ ref: 'refs/heads/trunk', revision });
    expect(await control().isAncestor(repository.source, at(first), at(second))).toBe(false);
    expect((await control().commits(repository.source, { to: at(second) })).commits.map(({ message }) => message)).toEqual([
      'second',
      'again',
    ]);
  });

  it('says what a tag was copied from, unless it was changed afterwards', async () => {
    const repository = await ground.repository('tags', `${server.url}/tags`);
    const first = await repository.commit({ a: '1' }, 'first');
    await repository.branch();
    await repository.makeTag();
    const tag = (await control().heads(repository.source)).heads.find(({ ref }) => ref === repository.tag);
    expect(tag && (await control().taggedRevision(repository.source, tag))).toBe(first);
    const changed = await repository.commit({ a: '2' }, 'a tag is only a folder', { ref: repository.tag });
    expect(await control().taggedRevision(repository.source, { ref: repository.tag, revision: changed })).toBe(changed);
  });

  it('bounds an export and removes it', async () => {
    const repository = await ground.repository('big', `${server.url}/big`);
    const revision = await repository.commit({ big: Buffer.alloc(2_000_000, 1) }, 'big');
    await expect(
      reasonOf(control({ archiveBytes: 1_000_000 }).archive(repository.source, { ref: repository.main, revision })),
    ).resolves.toBe('too-large');
    expect(await readdir(join(folder, 'data', 'svn-export'))).toEqual([]);
  });

  it('refuses patterns with * before the last part, passwords in the url and folders not listed', async () => {
    const source = { name: 'x', url: `${server.url}/big`, branches: ['*/trunk'], tags: [] };
    await expect(reasonOf(control().check(source))).resolves.toBe('refused-ref');
    await expect(reasonOf(control().check({ ...source, branches: ['trunk'], url: 'svn://a:b@host/x' }))).resolves.toBe('refused-url');
    await expect(reasonOf(control().check({ ...source, branches: ['trunk'], url: 'file:///etc' }))).resolves.toBe('refused-url');
  });

  it('takes no document type in XML', () => {
    expect(() => parseInfo(Buffer.from('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><info/>'))).toThrow('document type');
  });

  it('says that a server is away', async () => {
    await expect(reasonOf(control().heads({ name: 'x', url: 'svn://127.0.0.1:1/x', branches: ['trunk'], tags: [] }))).resolves.toBe(
      'unreachable',
    );
  });
});
