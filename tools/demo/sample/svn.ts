import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from '../../parts/cleanup.ts';
import type { DataDir } from '../../parts/data-dir.ts';
import { freePort } from '../../parts/ports.ts';
import { findCommand, startProcess } from '../../parts/processes.ts';
import { until } from '../../parts/until.ts';
import { type Change, writeShop } from './shop.ts';
import type { SampleSource } from './source.ts';

/**
 * Makes a Subversion repository with trunk, branches and tags, and serves it by `svnserve`; only its accounts may write. The first of them lays it out: a
 * revision by somebody Slipway does not know would ask for one more sign-off.
 */
export async function svnSample(dataDir: DataDir, cleanup: Cleanup, accounts: readonly [string, ...string[]]): Promise<SampleSource> {
  const base = await dataDir.folder('svn');
  const repository = join(base, 'shop');
  const work = join(base, 'work');
  const config = join(base, 'client');
  await call('svnadmin', ['create', repository]);
  const password = randomBytes(12).toString('hex');
  await writeFile(
    join(repository, 'conf', 'svnserve.conf'),
    '[general]\nanon-access = read\nauth-access = write\npassword-db = passwd\nrealm = shop\n',
  );
  await writeFile(join(repository, 'conf', 'passwd'), `[users]\n${accounts.map((account) => `${account} = ${password}\n`).join('')}`, {
    mode: 0o600,
  });
  // For a person at a shell: a password on a command line is everybody's who may list processes.
  const passwordFile = join(base, 'password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  const port = await freePort();
  const command = findCommand('svnserve') ?? 'svnserve';
  const server = await startProcess(dataDir, {
    name: 'svnserve',
    command,
    args: ['--daemon', '--foreground', '--listen-host', '127.0.0.1', '--listen-port', String(port), '--root', base],
  });
  cleanup.defer('stop the Subversion server', () => server.stop());
  const url = `svn://127.0.0.1:${port}/shop`;
  const svn = (args: readonly string[], as?: string): Promise<string> => {
    const login = as === undefined ? [] : ['--username', as, '--password-from-stdin', '--no-auth-cache'];
    return call('svn', [...args, '--non-interactive', '--config-dir', config, ...login], as === undefined ? undefined : password);
  };
  await until('the Subversion server answers', () => svn(['info', url]).then(() => true), {
    within: 15_000,
    stillWorthIt: server.assertRunning,
  });
  await svn(['mkdir', '-q', '-m', 'Lay out the repository', `${url}/trunk`, `${url}/branches`, `${url}/tags`], accounts[0]);
  await svn(['checkout', '-q', `${url}/trunk`, work]);
  const commit = async (change: Change): Promise<string> => {
    await writeShop(work, change);
    await svn(['add', '-q', '--force', work]);
    await svn(['propset', '-q', 'svn:executable', '*', join(work, 'server')]);
    const said = await svn(['commit', '-m', change.message, work], change.author.account);
    const revision = /Committed revision (\d+)\./.exec(said)?.[1];
    if (revision === undefined) throw new Error(`Subversion did not say which revision it made: ${said}`);
    return revision;
  };
  const login = `--username ${accounts[0]} --password-from-stdin --no-auth-cache --non-interactive < ${passwordFile}`;
  const byHand = `cd ${work} && $EDITOR site/index.html && svn commit -m 'Try something' ${login}`;
  return { kind: 'Subversion', url, byHand, spec: { svn: { url, branches: ['trunk'], poll: '1s' } }, commit };
}

/** Runs a program without a shell; what it is told on standard input never shows in the list of processes. */
function call(command: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { timeout: 60_000, env: { ...process.env, LC_ALL: 'C' } }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args[0]}: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.end(input === undefined ? undefined : `${input}\n`);
  });
}
