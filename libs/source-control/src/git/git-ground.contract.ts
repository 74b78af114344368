import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { refName } from '../ref-name.js';
import { type Change, readTree, type TestRepository } from '../source-control.contract.js';
import type { Point, Source } from '../source-control.js';

const run = promisify(execFile);
/** The environment of a program that shall know nothing of this machine. */
export const plain = {
  PATH: process.env['PATH'],
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  HOME: '/nonexistent',
  GIT_ALLOW_PROTOCOL: 'file:http:git:ssh',
};

/** Git as a developer runs it, apart from everything the adapter does. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(
    'git',
    ['-c', 'user.name=dev one', '-c', 'user.email=dev@example.com', '-c', 'safe.directory=*', '-c', 'protocol.file.allow=always', ...args],
    { cwd, env: plain },
  );
  return stdout.trim();
}

/** A folder with bare repositories, and a developer's clone to push from. */
export class GitGround {
  private constructor(
    readonly folder: string,
    readonly repositories: string,
  ) {}

  static async make(): Promise<GitGround> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-git-'));
    await mkdir(join(folder, 'repos'));
    return new GitGround(folder, join(folder, 'repos'));
  }

  async repository(name: string, url: string, source: Partial<Source> = {}): Promise<TestRepository & { work: string; bare: string }> {
    const bare = join(this.repositories, `${name}.git`);
    const work = join(this.folder, `${name}-work`);
    await git(this.folder, 'init', '-q', '--bare', '-b', 'main', bare);
    await git(this.folder, 'init', '-q', '-b', 'main', work);
    await git(work, 'remote', 'add', 'origin', bare);
    const push = async (ref: string) => git(work, 'push', '-q', '--force', 'origin', ref);
    return {
      work,
      bare,
      source: { name, url, branches: ['main', 'side/*'], tags: ['v*'], ...source },
      main: 'refs/heads/main',
      side: 'refs/heads/side/one',
      tag: 'refs/tags/v1',
      commit: async (change, message, options = {}) => {
        if (options.ref) await git(work, 'checkout', '-q', refName(options.ref));
        await applyChange(work, change);
        await git(work, 'add', '-A', '--force');
        await git(work, 'commit', '-q', '--allow-empty', '-m', message, ...(options.author ? [`--author=${options.author}`] : []));
        await push('HEAD');
        const revision = await git(work, 'rev-parse', 'HEAD');
        if (options.ref) await git(work, 'checkout', '-q', 'main');
        return revision;
      },
      branch: async () => {
        await git(work, 'branch', 'side/one');
        await push('side/one');
      },
      makeTag: async () => {
        await git(work, 'tag', '-a', 'v1', '-m', 'version 1');
        await push('v1');
      },
      remove: async (ref) => {
        await git(work, 'push', '-q', 'origin', `:${ref}`);
      },
      checkout: (point) => this.clone(bare, point),
      close: async () => rm(this.folder, { recursive: true, force: true }),
    };
  }

  /** What `git clone` and `git checkout` give, as a tree. */
  async clone(bare: string, point: Point, ...more: string[]): Promise<Map<string, string>> {
    const folder = await mkdtemp(join(this.folder, 'clone-'));
    await git(folder, 'clone', '-q', '--no-local', bare, 'tree');
    await git(join(folder, 'tree'), 'checkout', '-q', point.revision);
    if (more.length > 0) await git(join(folder, 'tree'), ...more);
    return treeOf(join(folder, 'tree'), '.git');
  }
}

/** A folder as the tree an archive would hold. */
export async function treeOf(folder: string, without: string): Promise<Map<string, string>> {
  const { stdout } = await run('tar', ['-c', '-f', '-', `--exclude=${without}`, '--no-anchored', '.'], {
    cwd: folder,
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  });
  const tree = await readTree(Readable.from([stdout], { objectMode: false }));
  return new Map([...tree].map(([path, what]) => [path.replace(/^\.\//, ''), what]));
}

/** Does to a working folder what a change says. */
export async function applyChange(folder: string, change: Change): Promise<void> {
  for (const [path, what] of Object.entries(change)) {
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true });
    if (what === null) await unlink(at);
    else if (typeof what === 'string' || Buffer.isBuffer(what)) await writeFile(at, what);
    else if ('link' in what) await symlink(what.link, at);
    else {
      await writeFile(at, what.run);
      await chmod(at, 0o755);
    }
  }
}
