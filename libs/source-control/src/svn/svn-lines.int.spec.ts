import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
  await run('svnmucc', ['--non-interactive', '--config-dir', join(folder, 'config'), '-m', 'change', '-U', url, ...actions]);
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
