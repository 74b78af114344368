import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { forEach, runFolder } from './private-files.js';

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'run-folder-'));
});
afterEach(() => rm(base, { recursive: true }));

describe('what is done for each of many', () => {
  it('is done for all, whatever becomes of one, and what went wrong is told', async () => {
    const done: string[] = [];
    const act = async (name: string) => {
      if (name.startsWith('bad')) throw new Error(`${name} stays`);
      done.push(name);
    };
    await expect(forEach(['bad 1', 'one', 'bad 2', 'two'], act)).rejects.toThrow('bad 1 stays; bad 2 stays');
    expect(done).toEqual(['one', 'two']);
    await expect(forEach(['bad', 'three'], act)).rejects.toThrow(/^bad stays$/);
    await forEach(['four'], act);
    expect(done).toEqual(['one', 'two', 'three', 'four']);
  });
});

describe('the folder of a run', () => {
  it('is new each time, and for its owner only', async () => {
    const [one, other] = [await runFolder(join(base, 'runs')), await runFolder(join(base, 'runs'))];
    expect(one).not.toBe(other);
    for (const folder of [one, join(base, 'runs')]) expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('takes the place of what a killed process left, and of nothing that may still be in use', async () => {
    const runs = join(base, 'runs');
    await mkdir(join(runs, 'run-left'), { recursive: true });
    await writeFile(join(runs, 'run-left', 'large'), 'x');
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    await utimes(join(runs, 'run-left'), hoursAgo(25), hoursAgo(25));
    await mkdir(join(runs, 'run-slow'));
    await utimes(join(runs, 'run-slow'), hoursAgo(23), hoursAgo(23));
    const mine = await runFolder(runs);
    expect(new Set(await readdir(runs))).toEqual(new Set([basename(mine), 'run-slow']));
  });
});
