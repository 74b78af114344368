import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CommitDetected, CommitFolded } from '@slipway/contracts';
import type { Booted } from '@slipway/service-kit';
import { aDigest, aProjectFile, eventually } from '@slipway/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './a-stage.contract.js';

const run = promisify(execFile);

describe('watching a Subversion repository', () => {
  let stage: Stage;
  let watcher: Booted;
  let url: string;
  let uuid: string;

  const svn = async (...args: string[]) => {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };
    return (
      await run('svn', ['--non-interactive', '--config-dir', join(stage.folder, 'svn-config'), '--username', 'ann', ...args], { env })
    ).stdout.trim();
  };
  const commit = async (content: string, message: string) => {
    const work = join(stage.folder, 'work');
    await svn('checkout', '-q', `${url}/trunk`, work);
    await writeFile(join(work, 'index.html'), content);
    await svn('add', '-q', '--force', work);
    await svn('commit', '-q', '--force-log', '-m', message, work);
    return svn('info', '--show-item', 'last-changed-revision', `${url}/trunk`);
  };
  const notify = (id: string, query = '') =>
    fetch(`${watcher.url}/subversion/${id}/notifyCommit${query}`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
      body: 'U   trunk/index.html\n',
    });

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.listen();
    watcher = await stage.start();
    const folder = join(stage.folder, 'repos', 'shop');
    await mkdir(join(stage.folder, 'svn-config'), { recursive: true });
    await run('svnadmin', ['create', folder]);
    url = `file://${folder}`;
    uuid = (await run('svnlook', ['uuid', folder])).stdout.trim();
    await svn('mkdir', '-q', '-m', 'layout', `${url}/trunk`, `${url}/tags`);
    await commit('1', 'first');
    await stage.apply(aProjectFile({ name: 'shop', spec: { source: { svn: { url, tags: ['tags/v*'], poll: '1h' } } } }));
    await stage.nth(CommitDetected, 'shop', 1);
    await eventually(async () => (await stage.query('select 1 from {schema}.source where svn_uuid = $1', [uuid])).length === 1);
  });
  afterAll(() => stage.strike());

  it('takes the head of trunk as its first release', async () => {
    const [first] = stage.of(CommitDetected, 'shop');
    expect(first?.release).toMatchObject({ number: 1, kind: 'commit', ref: 'refs/heads/trunk', revision: '2' });
    expect(first?.people).toEqual([{ name: 'ann', email: null, account: 'ann' }]);
  });

  it('looks at once when a Jenkins hook tells of a commit, and answers at once', async () => {
    await commit('2', 'second');
    const third = await commit('3', 'third');
    const before = performance.now();
    const answer = await notify(uuid, `?rev=${third}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(performance.now() - before).toBeLessThan(2_000);
    const born = await stage.nth(CommitDetected, 'shop', 2);
    expect(born.release).toMatchObject({ revision: third, number: 2 });
    expect(born.range.commits.map(({ message }) => message)).toEqual(['third', 'second']);
    expect((await stage.nth(CommitFolded, 'shop', 1)).revision).toBe('3');
    expect((await notify(uuid, `?rev=${third}`)).status).toBe(200);
  });

  it('makes a copy to tags/ a release of the image its origin has', async () => {
    const [, second] = stage.of(CommitDetected, 'shop');
    if (!second) throw new Error('the test before must have passed');
    await stage.built(second);
    await eventually(async () => (await stage.query('select 1 from {schema}.release where image is not null')).length === 1);
    await svn('copy', '-q', '-m', 'tag', `${url}/trunk`, `${url}/tags/v1`);
    await notify(uuid);
    const tagged = await stage.nth(CommitDetected, 'shop', 3);
    expect(tagged.release).toMatchObject({ kind: 'tag', ref: 'refs/tags/tags/v1', line: 'refs/heads/trunk', number: 3 });
    expect(tagged.image?.digest).toBe(aDigest(second.release.revision));
  });

  it('answers what it does not know', async () => {
    expect((await notify('no-uuid')).status).toBe(400);
    expect((await notify(uuid, '?rev=1;drop')).status).toBe(400);
    expect((await notify('00000000-0000-0000-0000-000000000000')).status).toBe(404);
  });
});
