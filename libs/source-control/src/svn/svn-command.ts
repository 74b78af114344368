import { join } from 'node:path';
import { cleanEnvironment, privateFolder, readCredential, secretFile, writePrivate } from '../private-files.js';
import { type Command, type Finished, runCommand } from '../run-command.js';
import type { Limits, Source, SourceControlConfig } from '../source-control.js';
import { presentable, SourceError } from '../source-error.js';
import { type GuardedUrl, guardFileUrl, guardUrl } from '../source-url.js';
import { knownHostsOf, sshCommand } from '../ssh.js';
import { svnError } from './svn-errors.js';

type RunOptions = Pick<Command, 'signal' | 'maxOutput' | 'watch'> & { timeoutMs?: number | undefined };

/** Starts svn, always the same guarded way: nothing asked, nothing stored, the password through standard input. */
export class SvnCommand {
  private prepared: Promise<string> | undefined;

  constructor(
    private readonly config: SourceControlConfig,
    private readonly limits: Limits,
  ) {}

  /** Checks a source's url; the answer has no slash at its end. */
  async guard(source: Pick<Source, 'url'>): Promise<GuardedUrl> {
    const guarded = guardUrl('svn', source.url);
    if (guarded.password !== undefined)
      throw new SourceError(
        'refused-url',
        'source url refused: it holds a password; put that into a file under SLIPWAY_SECRETS_DIR and name it in credentials',
      );
    if (guarded.scheme === 'file') await guardFileUrl(guarded.url, this.config.fileFolders ?? []);
    return { ...guarded, url: guarded.url.replace(/\/+$/, '') };
  }

  /** One run; `targets` are urls made by {@link target}. Throws a typed error unless it ended well or `mayFail` says that a partial answer will do. */
  async run(
    source: Source,
    args: readonly string[],
    targets: readonly string[],
    options: RunOptions & { mayFail?: (stderr: string) => boolean } = {},
  ): Promise<Finished> {
    const { mayFail, ...bounds } = options;
    const url = await this.guard(source);
    const home = await this.prepare();
    const env = cleanEnvironment(home);
    const secret = source.credentials === undefined ? undefined : await secretFile(this.config.secretsDir, source.name, source.credentials);
    const fixed = ['--non-interactive', '--no-auth-cache', '--config-dir', join(home, 'config')];
    let input: string | undefined;
    if (url.scheme === 'svn+ssh') env['SVN_SSH'] = sshCommand({ key: secret, knownHosts: knownHostsOf(this.config) });
    else if (secret !== undefined) {
      const credential = await readCredential(secret);
      const username = source.username ?? url.username ?? credential.username;
      if (username === undefined)
        throw new SourceError(
          'authentication',
          `the credentials "${source.credentials}" name no user: write user:password, or give username in the source`,
        );
      fixed.push('--username', username, '--password-from-stdin');
      input = credential.password;
    } else if (source.username ?? url.username) fixed.push('--username', (source.username ?? url.username) as string);
    const finished = await runCommand({
      file: 'svn',
      args: [...args, ...fixed, '--', ...targets],
      env,
      cwd: home,
      input,
      ...bounds,
      timeoutMs: bounds.timeoutMs ?? this.limits.pollMs,
      maxMemory: this.limits.programBytes,
    });
    if (finished.code !== 0 && !mayFail?.(finished.stderr)) throw svnError(finished.stderr);
    if (args[0] === 'info') refuseElsewhere(url.url, finished.stdout.toString('utf8'));
    return finished;
  }

  private prepare(): Promise<string> {
    this.prepared ??= (async () => {
      const home = await privateFolder(join(this.config.dataDir, 'svn-home'));
      const folder = await privateFolder(join(home, 'config'));
      const authorities = this.config.caFile ? `ssl-authority-files = ${this.config.caFile}\n` : '';
      await writePrivate(
        join(folder, 'servers'),
        `[global]\nstore-passwords = no\nstore-plaintext-passwords = no\nhttp-timeout = ${this.limits.stallSeconds}\n${authorities}`,
      );
      // Times of the last change instead of now make the same revision the same archive.
      await writePrivate(join(folder, 'config'), '[auth]\npassword-stores =\n[miscellany]\nuse-commit-times = yes\nglobal-ignores =\n');
      return home;
    })().catch((cause) => {
      this.prepared = undefined;
      throw new SourceError('errored', `the data directory can not be written: ${(cause as Error).message}`, { cause });
    });
    return this.prepared;
  }
}

/** svn follows a server that sends it on to another one, and no setting keeps it; what it then brings is not what we were told to read. */
function refuseElsewhere(asked: string, info: string): void {
  const serverOf = (url: string) =>
    /^[a-z+]+:\/\/[^/]*/i
      .exec(url)?.[0]
      .toLowerCase()
      .replace(/\/\/[^/]*@/, '//');
  const elsewhere = [...info.matchAll(/<url>([^<]*)<\/url>/g)].find(([, url = '']) => serverOf(url) !== serverOf(asked))?.[1];
  if (elsewhere === undefined) return;
  const instead = presentable(elsewhere);
  throw new SourceError(
    'refused-url',
    `the server sends us on to another one, which is not followed; if it is right, write ${instead} as url`,
  );
}

/** The url of a path below the source's, pinned to a revision; the peg keeps an `@` in a name from being read as one. */
export function target(base: string, path: string, revision?: string): string {
  const encoded = path.split('/').filter(Boolean).map(encodeURIComponent);
  return `${[base, ...encoded].join('/')}@${revision ?? ''}`;
}
