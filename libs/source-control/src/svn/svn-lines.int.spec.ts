import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar-stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Point, Source } from '../source-control.js';
import { SvnSourceControl } from './svn-source-control.js';

const run = promisify(execFile);

let folder: string;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-svn-lines-'));
  url = `file://${folder}/shop`;
  await run('svnadmin', ['create', join(folder, 'shop')]);
  await writeFile(join(folder, 'a.txt'), 'a');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** One commit that does all of this. */
async function commits(...actions: string[]): Promise<void> {
  await commitsTo(url, 'dev', ...actions);
}

async function commitsTo(url: string, author: string, ...actions: string[]): Promise<void> {
  const fixed = ['--non-interactive', '--config-dir', join(folder, 'config'), '--username', author, '-m', 'change'];
  await run('svnmucc', [...fixed, '-U', url, ...actions]);
}

it('tells two branches apart that one commit changed', async () => {
  await commits('mkdir', 'trunk', 'mkdir', 'branches', 'mkdir', 'branches/one two');
  const file = join(folder, 'a.txt');
  await commits('put', file, 'trunk/a.txt', 'put', file, 'branches/one two/a.txt');
  await commits('cp', '2', 'branches/one two', 'branches/live');
  const source: Source = { name: 'shop', url, branches: ['trunk', 'branches/*'], tags: [] };
  const control = new SvnSourceControl({ dataDir: join(folder, 'data'), fileFolders: [folder] });
  const [live, side, trunk] = ['branches/live', 'branches/one two', 'trunk'].map((path) => ({
    ref: `refs/heads/${path}`,
    revision: path === 'branches/live' ? '3' : '2',
  })) as [Point, Point, Point];
  expect((await control.heads(source)).heads).toEqual([live, side, trunk]);
  expect(await control.firstContained(source, live, [trunk, side])).toEqual(side);
  expect(await control.firstContained(source, live, [trunk])).toBeUndefined();
});

it('gives nothing in an archive the time at which it was made', async () => {
  const aged = `file://${folder}/aged`;
  await run('svnadmin', ['create', join(folder, 'aged')]);
  await commitsTo(aged, 'dev', 'mkdir', 'trunk', 'mkdir', 'trunk/folder', 'put', join(folder, 'a.txt'), 'trunk/folder/a.txt');
  await writeFile(join(folder, 'date'), '2020-01-02T03:04:05.000000Z');
  await run('svnadmin', ['setrevprop', join(folder, 'aged'), '-r', '1', 'svn:date', join(folder, 'date')]);
  const control = new SvnSourceControl({ dataDir: join(folder, 'data'), fileFolders: [folder] });
  const source: Source = { name: 'aged', url: aged, branches: ['trunk'], tags: [] };
  const reader = (await control.archive(source, { ref: 'refs/heads/trunk', revision: '1' })).pipe(extract());
  const years: Record<string, number | undefined> = {};
  for await (const entry of reader) {
    years[entry.header.name] = entry.header.mtime?.getUTCFullYear();
    entry.resume();
  }
  expect(years).toEqual({ 'folder/': 1970, 'folder/a.txt': 2020 });
});

it('tells which of many revisions contain one, before and after their folder was made anew', async () => {
  const anew = `file://${folder}/anew`;
  await run('svnadmin', ['create', join(folder, 'anew')]);
  const file = join(folder, 'a.txt');
  await commitsTo(anew, 'dev', 'mkdir', 'trunk', 'mkdir', 'live');
  await commitsTo(anew, 'dev', 'put', file, 'live/a.txt');
  for (const path of ['b', 'c', 'd']) await commitsTo(anew, 'dev', 'put', file, `live/${path}.txt`);
  await commitsTo(anew, 'dev', 'rm', 'live', 'cp', '1', 'trunk', 'live');
  for (const path of ['e', 'f']) await commitsTo(anew, 'dev', 'put', file, `live/${path}.txt`);
  const control = new SvnSourceControl({ dataDir: join(folder, 'data'), fileFolders: [folder] });
  const source: Source = { name: 'anew', url: anew, branches: ['live'], tags: [] };
  const live = ['8', '7', '6', '5', '4', '3', '2', '1'].map((revision): Point => ({ ref: 'refs/heads/live', revision }));
  const containing = async (revision: string) =>
    (await control.containing(source, { ref: 'refs/heads/live', revision }, live)).map((each) => each.revision);
  expect(await containing('2')).toEqual(['5', '4', '3']);
  expect(await containing('6')).toEqual(['8', '7']);
  await commitsTo(anew, 'dev', 'rm', 'live', 'cp', '4', 'live', 'live');
  live.unshift({ ref: 'refs/heads/live', revision: '9' });
  expect(await containing('2')).toEqual(['9', '5', '4', '3']);
  await commitsTo(anew, 'dev', 'rm', 'live', 'cp', '1', 'trunk', 'live');
  live.unshift({ ref: 'refs/heads/live', revision: '10' });
  expect(await containing('2')).toEqual(['9', '5', '4', '3']);
});

it.each([
  ['tells who wrote what a revision merged', '1.5', false],
  ['says that it does not tell everybody where the server knows of no merges', '1.4', true],
])('%s', async (_, version, truncated) => {
  const name = `merged-${version}`;
  const merged = `file://${folder}/${name}`;
  await run('svnadmin', ['create', '--compatible-version', version, join(folder, name)]);
  const file = join(folder, 'a.txt');
  await commitsTo(merged, 'dev', 'mkdir', 'trunk', 'mkdir', 'branches', 'put', file, 'trunk/a.txt');
  await commitsTo(merged, 'dev', 'cp', '1', 'trunk', 'branches/fix');
  await commitsTo(merged, 'ann', 'put', file, 'branches/fix/b.txt');
  await commitsTo(merged, 'bob', 'propset', 'svn:mergeinfo', '/branches/fix:3', 'trunk', 'put', file, 'trunk/b.txt');
  await commitsTo(merged, 'bob', 'put', file, 'trunk/c.txt');
  const control = new SvnSourceControl({ dataDir: join(folder, 'data'), fileFolders: [folder] });
  const at = (revision: string): Point => ({ ref: 'refs/heads/trunk', revision });
  const source: Source = { name, url: merged, branches: ['trunk'], tags: [] };
  const range = await control.commits(source, { from: at('1'), to: at('5') });
  expect(range.truncated).toBe(truncated);
  const told = range.commits.map(({ revision, author }) => `${revision} ${author.account}`);
  expect(told).toEqual(truncated ? ['5 bob', '4 bob'] : ['5 bob', '4 bob', '3 ann']);
});

it('tells what was committed where the property says that a revision was merged that nobody has', async () => {
  const lied = `file://${folder}/lied`;
  await run('svnadmin', ['create', join(folder, 'lied')]);
  const file = join(folder, 'a.txt');
  await commitsTo(lied, 'dev', 'mkdir', 'trunk', 'mkdir', 'branches', 'put', file, 'trunk/a.txt');
  await commitsTo(lied, 'dev', 'cp', '1', 'trunk', 'branches/fix');
  await commitsTo(lied, 'bob', 'propset', 'svn:mergeinfo', '/branches/fix:2-9999', 'trunk', 'put', file, 'trunk/b.txt');
  const control = new SvnSourceControl({ dataDir: join(folder, 'data'), fileFolders: [folder] });
  const at = (revision: string): Point => ({ ref: 'refs/heads/trunk', revision });
  const source: Source = { name: 'lied', url: lied, branches: ['trunk'], tags: [] };
  const { commits: told, truncated } = await control.commits(source, { from: at('1'), to: at('3') });
  expect(told.map(({ revision, author }) => `${revision} ${author.account}`)).toEqual(['3 bob']);
  expect(truncated).toBe(true);
});
