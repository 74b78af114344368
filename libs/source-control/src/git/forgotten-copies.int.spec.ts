import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLock } from '../mirror-lock.js';
import type { TestRepository } from '../source-control.contract.js';
import { forgetCopies } from './forgotten-copies.js';
import { GitGround } from './git-ground.contract.js';
import { GitSourceControl } from './git-source-control.js';

let dataDir: string;
let repository: TestRepository;
let control: GitSourceControl;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'slipway-copies-'));
  const ground = await GitGround.make();
  repository = await ground.repository('shop', `file://${ground.repositories}/shop.git`);
  control = new GitSourceControl({ dataDir, fileFolders: [ground.repositories] });
});
afterAll(async () => {
  await repository.close();
  await rm(dataDir, { recursive: true });
});

const copies = async () => (await readdir(join(dataDir, 'git'))).filter((name) => !name.endsWith('.lock'));
const [longAgo, since] = [new Date('2020-01-01'), new Date('2021-01-01')];

describe('the copy of a source', () => {
  it('goes when nobody has used it for long, and is made anew for who needs it again', async () => {
    const { source } = repository;
    const revision = await repository.commit({ a: '1' }, 'first');
    const point = { ref: 'refs/heads/main', revision };
    const read = async () => (await control.file(source, point, 'a'))?.toString();
    expect(await read()).toBe('1');
    const [copy = ''] = await copies();
    await utimes(join(dataDir, 'git', copy), longAgo, longAgo);
    expect(await read()).toBe('1');
    await forgetCopies(dataDir, since);
    expect(await copies()).toEqual([copy]);
    await utimes(join(dataDir, 'git', copy), longAgo, longAgo);
    await forgetCopies(dataDir, since, { but: [source] });
    expect(await copies()).toEqual([copy]);
    const left = join(dataDir, 'git', `${copy}.old-1-x`);
    await mkdir(left);
    await utimes(left, longAgo, longAgo);
    await forgetCopies(dataDir, since);
    expect(await copies()).toEqual([]);
    expect(await read()).toBe('1');
  });

  it('stays while somebody works on it, and keeps no other', async () => {
    const [held, other] = ['a', 'b'].map((name) => join(dataDir, 'git', `${name}.git`)) as [string, string];
    for (const path of [held, other]) {
      await mkdir(path, { recursive: true });
      await utimes(path, longAgo, longAgo);
    }
    await withLock(`${held}.lock`, 1_000, undefined, () => forgetCopies(dataDir, since, { waitMs: 100 }));
    expect(await copies()).toContain('a.git');
    expect(await copies()).not.toContain('b.git');
  });

  it('that cannot be removed is told, and keeps no other', async () => {
    // The name of its lock would be too long.
    const stays = `${'c'.repeat(251)}.git`;
    const others = ['d.git', 'e.git', 'f.git', 'g.git', 'h.git'];
    for (const name of [stays, ...others]) {
      await mkdir(join(dataDir, 'git', name));
      await utimes(join(dataDir, 'git', name), longAgo, longAgo);
    }
    await expect(forgetCopies(dataDir, since)).rejects.toThrow('ENAMETOOLONG');
    expect(await copies()).toContain(stays);
    expect((await copies()).filter((name) => others.includes(name))).toEqual([]);
  });
});
