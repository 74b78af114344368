import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { applyChange, treeOf } from '../git/git-ground.contract.js';
import { ended, freePort, listening, type Served } from '../git/git-servers.contract.js';
import { refName } from '../ref-name.js';
import type { TestRepository } from '../source-control.contract.js';
import type { Source } from '../source-control.js';

const run = promisify(execFile);
const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };

/** svn as a developer runs it, apart from everything the adapter does. */
export async function svn(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(
    'svn',
    ['--non-interactive', '--config-dir', join(cwd.endsWith('-work') ? dirname(cwd) : cwd, '.svn-config'), ...args],
    { cwd, env },
  );
  return stdout.trim();
}

/** A folder with repositories, and a developer's working copy. */
export class SvnGround {
  private constructor(
    readonly folder: string,
    readonly repositories: string,
  ) {}

  static async make(): Promise<SvnGround> {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-svn-'));
    await mkdir(join(folder, 'repos'));
    return new SvnGround(folder, join(folder, 'repos'));
  }

  async repository(name: string, url: string, source: Partial<Source> = {}): Promise<TestRepository & { local: string; work: string }> {
    const path = join(this.repositories, name);
    const local = `file://${path}`;
    const work = join(this.folder, `${name}-work`);
    await run('svnadmin', ['create', path], { env });
    const copy = async (from: string, to: string) =>
      svn(this.folder, 'copy', '-q', '--parents', '-m', `copy to ${to}`, '--username', 'dev', `${local}/${from}`, `${local}/${to}`);
    const ready = async (at: string) => {
      if ((await svn(this.folder, 'info', '--show-item', 'revision', local)) === '0') {
        await svn(
          this.folder,
          'mkdir',
          '-q',
          '-m',
          'layout',
          '--username',
          'dev',
          ...['trunk', 'branches', 'tags'].map((each) => `${local}/${each}`),
        );
      }
      await rm(work, { recursive: true, force: true });
      await svn(this.folder, 'checkout', '-q', `${local}/${at}`, work);
    };
    return {
      local,
      work,
      source: { name, url, branches: ['trunk', 'branches/*'], tags: ['tags/v*'], ...source },
      main: 'refs/heads/trunk',
      side: 'refs/heads/branches/one',
      tag: 'refs/tags/tags/v1',
      commit: async (change, message, options = {}) => {
        await ready(refName(options.ref ?? 'refs/heads/trunk'));
        await applyChange(work, change);
        await svn(work, 'add', '-q', '--force', '--no-ignore', '--depth', 'infinity', '.');
        for (const [path, what] of Object.entries(change)) if (what === null) await svn(work, 'rm', '-q', path);
        await svn(work, 'commit', '-q', '--force-log', '-m', message, '--username', options.author ?? 'dev');
        return svn(this.folder, 'info', '--show-item', 'last-changed-revision', `${local}/${refName(options.ref ?? 'refs/heads/trunk')}`);
      },
      branch: async () => void (await copy('trunk', 'branches/one')),
      makeTag: async () => void (await copy('trunk', 'tags/v1')),
      remove: async (ref) => void (await svn(this.folder, 'rm', '-q', '-m', 'remove', '--username', 'dev', `${local}/${refName(ref)}`)),
      checkout: async (point) => {
        const folder = await mkdtemp(join(this.folder, 'checkout-'));
        await svn(folder, 'checkout', '-q', `${local}/${refName(point.ref)}@${point.revision}`, 'tree');
        return treeOf(join(folder, 'tree'), '.svn');
      },
      close: async () => rm(this.folder, { recursive: true, force: true }),
    };
  }

  /** Only this user may read, with this password. */
  async lock(name: string, user: string, password: string): Promise<void> {
    const conf = join(this.repositories, name, 'conf');
    await writeFile(join(conf, 'svnserve.conf'), '[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\nrealm = test\n');
    await writeFile(join(conf, 'passwd'), `[users]\n${user} = ${password}\n`);
  }
}

/** The real svnserve. */
export async function serveSvn(folder: string): Promise<Served> {
  const port = await freePort();
  const child = spawn(
    'svnserve',
    ['--daemon', '--foreground', '--root', folder, '--listen-host', '127.0.0.1', '--listen-port', String(port)],
    { env, stdio: 'ignore', detached: true },
  );
  await listening(port);
  return { url: `svn://127.0.0.1:${port}`, close: () => ended(child) };
}
