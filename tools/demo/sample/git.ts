import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cleanup } from '../../parts/cleanup.ts';
import type { DataDir } from '../../parts/data-dir.ts';
import { freePort } from '../../parts/ports.ts';
import { startProcess } from '../../parts/processes.ts';
import { until } from '../../parts/until.ts';
import { type Change, writeShop } from './shop.ts';
import type { SampleSource } from './source.ts';

const run = promisify(execFile);

/** Makes an empty Git repository and serves it by `git daemon`. */
export async function gitSample(dataDir: DataDir, cleanup: Cleanup): Promise<SampleSource> {
  const base = await dataDir.folder('git');
  const bare = join(base, 'shop.git');
  const work = join(base, 'work');
  await git(base, ['init', '-q', '--bare', '--initial-branch=main', '--', bare]);
  await git(base, ['init', '-q', '--initial-branch=main', '--', work]);
  const port = await freePort();
  const programs = (await run('git', ['--exec-path'])).stdout.trim();
  const args = ['--reuseaddr', '--listen=127.0.0.1', `--port=${port}`, `--base-path=${base}`, '--export-all', base];
  const daemon = await startProcess(dataDir, { name: 'git-daemon', command: join(programs, 'git-daemon'), args, env: plainEnv() });
  cleanup.defer('stop the Git server', () => daemon.stop());
  const url = `git://127.0.0.1:${port}/shop.git`;
  await until('the Git server answers', () => git(base, ['ls-remote', '--', url]).then(() => true), {
    within: 15_000,
    stillWorthIt: daemon.assertRunning,
  });
  const commit = async (change: Change): Promise<string> => {
    await writeShop(work, change);
    // The server is 10 MB of program: packing it small takes longer than all else here.
    await git(work, ['-c', 'core.compression=0', 'add', '--all']);
    await git(work, ['commit', '-q', '-m', change.message], change.author);
    await git(work, ['-c', 'core.compression=0', 'push', '-q', bare, 'HEAD:refs/heads/main']);
    return (await readFile(join(bare, 'refs/heads/main'), 'utf8')).trim();
  };
  const byHand = `cd ${work} && $EDITOR site/index.html && git commit -am 'Try something' && git push ${bare} main`;
  return { kind: 'Git', url, byHand, spec: { git: { url, branches: ['main'], poll: '1s' } }, commit };
}

async function git(cwd: string, args: readonly string[], author?: { name: string; email: string }): Promise<string> {
  const identity = author && {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  return (await run('git', args, { cwd, env: { ...plainEnv(), ...identity }, timeout: 60_000 })).stdout;
}

/** The person's own Git settings (signing, hooks, templates) are not for the sample. */
function plainEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}
