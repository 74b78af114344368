import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTree, reasonOf, type TestRepository } from '../source-control.contract.js';
import type { Point, Source } from '../source-control.js';
import { GitGround, git } from './git-ground.contract.js';
import { GitSourceControl } from './git-source-control.js';

describe('the trees of git', () => {
  let ground: GitGround;
  let folder: string;
  let count = 0;

  beforeAll(async () => {
    ground = await GitGround.make();
    folder = await mkdtemp(join(tmpdir(), 'slipway-trees-'));
  });
  afterAll(async () => {
    for (const each of [ground.folder, folder]) await rm(each, { recursive: true, force: true });
  });

  const control = () => new GitSourceControl({ dataDir: join(folder, `data-${++count}`), fileFolders: [ground.repositories] });
  const onDisk = async (source: Partial<Source> = {}) => {
    const name = `repo-${++count}`;
    return ground.repository(name, `file://${ground.repositories}/${name}.git`, source);
  };
  const point = (repository: TestRepository, revision: string): Point => ({ ref: repository.main, revision });

  it('keeps what attributes would leave out or change, runs no filter, and still equals a plain clone', async () => {
    const repository = await onDisk();
    const canary = join(folder, 'canary');
    const attributes =
      'hidden export-ignore\nsubst export-subst\nevil filter=evil\nbig filter=lfs diff=lfs merge=lfs\ncrlf text eol=crlf\nid ident\n';
    await git(repository.work, 'config', 'filter.evil.smudge', `touch ${canary}`);
    const revision = await repository.commit(
      {
        '.gitattributes': attributes,
        hidden: 'h',
        subst: '$Format:%H$',
        evil: 'e',
        big: 'version https://git-lfs.github.com/spec/v1\n',
        crlf: 'a\nb\n',
        id: '$Id$\n',
        '.gitconfig': '[core]\n fsmonitor = touch x\n',
      },
      'attributes',
    );
    await rm(canary, { force: true });
    const files = await readTree(await control().archive(repository.source, point(repository, revision)));
    expect(files).toEqual(await repository.checkout(point(repository, revision)));
    expect([...files.keys()]).toContain('hidden');
    await expect(stat(canary)).rejects.toThrow('ENOENT');
  });

  it('brings submodules along only when asked, and reads no path from .gitmodules', async () => {
    const inner = await onDisk();
    await inner.commit({ 'inner.txt': 'i', 'sub folder/x': 'x' }, 'inner');
    const repository = await onDisk({ submodules: true });
    await repository.commit({ a: '1' }, 'first');
    await git(repository.work, 'submodule', '--quiet', 'add', `../${inner.source.name}.git`, 'lib/inner');
    const revision = await repository.commit({}, 'with a submodule');
    const files = await readTree(await control().archive(repository.source, point(repository, revision)));
    expect(files).toEqual(
      await ground
        .clone(repository.bare, point(repository, revision), 'submodule', '--quiet', 'update', '--init')
        .then((tree) => new Map([...tree].filter(([path]) => !path.endsWith('/.git')))),
    );
    expect([...files.keys()]).toContain('lib/inner/sub folder/x');
    const without = await readTree(await control().archive({ ...repository.source, submodules: false }, point(repository, revision)));
    expect([...without.keys()].sort()).toEqual(['.gitmodules', 'a']);
  });

  it.each([
    ['a path that ends in a carriage return', '[submodule "x"]\n path = "lib/inner\\r"\n url = ../x.git\n'],
    ['a name that climbs out', '[submodule "../../.git/hooks"]\n path = other\n url = ../x.git\n'],
    ['no entry', ''],
    ['an option as url', '[submodule "x"]\n path = lib/inner\n url = --upload-pack=touch\n'],
    ['ext::', '[submodule "x"]\n path = lib/inner\n url = ext::sh -c touch\n'],
    ['a file elsewhere', '[submodule "x"]\n path = lib/inner\n url = file:///etc\n'],
  ])('refuses a submodule with %s', async (_what, modules) => {
    const repository = await onDisk({ submodules: true });
    const first = await repository.commit({ '.gitmodules': modules }, 'first');
    await git(repository.work, 'update-index', '--add', '--cacheinfo', `160000,${first},lib/inner`);
    await git(repository.work, 'commit', '-q', '-m', 'gitlink');
    await git(repository.work, 'push', '-q', 'origin', 'main');
    const revision = await git(repository.work, 'rev-parse', 'HEAD');
    expect(['refused-submodule', 'refused-url']).toContain(
      await reasonOf(control().archive(repository.source, point(repository, revision))),
    );
  });
});
