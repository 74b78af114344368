import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cleanup } from '../../tools/parts/cleanup.ts';
import { freePort } from '../../tools/parts/ports.ts';
import { startProcess } from '../../tools/parts/processes.ts';
import { until } from '../../tools/parts/until.ts';
import type { Ground } from './ground.ts';

const run = promisify(execFile);
const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };

interface Author {
  readonly name: string;
  readonly email: string;
}

/** Bare repositories below one folder, served by `git daemon`; written by `git fast-import`, thousands of commits a second. */
export class Repositories {
  readonly #folder: string;
  readonly #port: number;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async serve({ dataDir, repositories: folder }: Ground, cleanup: Cleanup): Promise<Repositories> {
    const port = await freePort();
    const programs = (await run('git', ['--exec-path'])).stdout.trim();
    const args = ['--reuseaddr', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${folder}`, '--export-all', folder];
    const daemon = await startProcess(dataDir, { name: 'git-daemon', command: join(programs, 'git-daemon'), args, env });
    cleanup.defer('stop the Git server', () => daemon.stop());
    const made = new Repositories(folder, port);
    const url = await made.make('first', { name: 'Nobody', email: 'nobody@growth.example' });
    await until('the Git server answers', () => run('git', ['ls-remote', '--', url], { env }).then(() => true), { within: 15_000 });
    return made;
  }

  /** A repository with one commit on main; gives its url. */
  async make(name: string, author: Author): Promise<string> {
    await run('git', ['init', '-q', '--bare', '--initial-branch=main', '--', this.pathOf(name)], { env });
    const file = 'FROM scratch\n';
    await this.import(name, `${commit('refs/heads/main', author, 'Begin', 1)}M 100644 inline Dockerfile\n${data(file)}\n`);
    return `git://127.0.0.1:${this.#port}/${name}.git`;
  }

  /** Adds each ref with one commit on top of main; gives the revisions. */
  async grow(name: string, refs: readonly string[], author: Author): Promise<Map<string, string>> {
    const commits = refs.map(
      (ref, at) =>
        `${commit(ref, author, `Change ${ref}`, 100 + at)}from refs/heads/main^0\nM 100644 inline change-${at + 1}.txt\n${data(ref)}\n`,
    );
    await this.import(name, commits.join(''));
    const { stdout } = await run('git', ['for-each-ref', '--format=%(refname) %(objectname)'], { cwd: this.pathOf(name), env });
    const all = new Map(stdout.split('\n').map((line) => line.split(' ') as [string, string]));
    return new Map(refs.map((ref) => [ref, all.get(ref) as string]));
  }

  private pathOf(name: string): string {
    return join(this.#folder, `${name}.git`);
  }

  private async import(name: string, text: string): Promise<void> {
    const git = spawn('git', ['fast-import', '--quiet'], { cwd: this.pathOf(name), env, stdio: ['pipe', 'ignore', 'pipe'] });
    const said: Buffer[] = [];
    git.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    git.stdin.end(text);
    const [code] = await once(git, 'close');
    if (code !== 0) throw new Error(`git fast-import into ${name} ended with ${code}: ${Buffer.concat(said)}`);
  }
}

function commit(ref: string, { name, email }: Author, message: string, at: number): string {
  return `commit ${ref}\ncommitter ${name} <${email}> ${1_700_000_000 + at} +0000\n${data(message)}\n`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}
