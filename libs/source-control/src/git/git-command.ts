import { join } from 'node:path';
import { cleanEnvironment, privateFolder, secretFile, writePrivate } from '../private-files.js';
import { type Command, type Finished, type Running, runCommand, startCommand } from '../run-command.js';
import type { Limits, Source, SourceControlConfig } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { type GuardedUrl, guardFileUrl, guardUrl } from '../source-url.js';
import { knownHostsOf, sshCommand } from '../ssh.js';
import { insteadOf, redirectOf, sentOn } from './git-redirects.js';

/** What one run may be told. */
export type RunOptions = Pick<Command, 'signal' | 'input' | 'maxOutput' | 'watch'> & {
  timeoutMs?: number | undefined /** Prints the packets exchanged. */;
  trace?: boolean;
};

/** Settings no repository, account or machine can change: no hooks, no filters but ours, no helpers, nothing run after a fetch. */
function settings(config: SourceControlConfig, limits: Limits, home: string, hooks: string): string {
  const lines = [
    '[safe]',
    'directory = *',
    '[core]',
    `hooksPath = ${JSON.stringify(hooks)}`,
    'fsmonitor = false',
    'attributesFile = /dev/null',
    'bigFileThreshold = 16m',
  ];
  lines.push(
    '[gc]',
    'auto = 0',
    'autoDetach = false',
    'pruneExpire = never',
    '[maintenance]',
    'auto = false',
    '[protocol]',
    'version = 2',
    '[credential]',
    'helper =',
    `helper = ${JSON.stringify(`!'${join(home, 'credentials').replaceAll("'", "'\\''")}'`)}`,
  );
  lines.push(
    '[i18n]',
    'logOutputEncoding = UTF-8',
    '[log]',
    'mailmap = false',
    'showSignature = false',
    '[fetch]',
    'recurseSubmodules = false',
    '[pack]',
    'threads = 1',
  );
  lines.push('[http]', `lowSpeedLimit = ${limits.stallBytesPerSecond}`, `lowSpeedTime = ${limits.stallSeconds}`);
  lines.push('emptyAuth = false', 'followRedirects = false');
  if (config.caFile) lines.push(`sslCAInfo = ${JSON.stringify(config.caFile)}`);
  return `${lines.join('\n')}\n`;
}

/**
 * Git's and git-lfs's credential helper: answers only for the server the credentials are for, so that a redirect elsewhere gets none; reads the
 * secret itself, so that no argument or environment holds it. Told that they were refused, it gives them no more to the same run of git-lfs, which
 * would ask for ever.
 */
const helper = `#!/bin/sh
protocol= host=
while IFS='=' read -r key value; do
  case "$key" in protocol) protocol=$value ;; host) host=$value ;; esac
done
[ "$1" != erase ] || [ -z "$SLIPWAY_CREDENTIAL_REFUSED" ] || : > "$SLIPWAY_CREDENTIAL_REFUSED"
[ "$1" = get ] && [ -n "$SLIPWAY_CREDENTIAL_FILE" ] && [ ! -e "$SLIPWAY_CREDENTIAL_REFUSED" ] || exit 0
[ "$protocol://$host" = "$SLIPWAY_CREDENTIAL_ORIGIN" ] || exit 0
IFS= read -r line < "$SLIPWAY_CREDENTIAL_FILE" || [ -n "$line" ] || exit 0
case "$line" in *:*) user=\${line%%:*} ;; *) user=x-access-token ;; esac
printf 'username=%s\\npassword=%s\\n' "\${SLIPWAY_CREDENTIAL_USER:-$user}" "\${line#*:}"
`;

/** Starts Git, always the same guarded way. */
export class GitCommand {
  private prepared: Promise<{ home: string; hooks: string }> | undefined;
  /** Where servers told us that a url is answered; forgotten with the process, and when there are many. */
  private readonly moved = new Map<string, string>();

  constructor(
    private readonly config: SourceControlConfig,
    private readonly limits: Limits,
  ) {}

  /** Checks a source's url and gives back its form for Git. */
  async guard(source: Pick<Source, 'url'>): Promise<GuardedUrl> {
    const url = guardUrl('git', source.url);
    if (url.password !== undefined)
      throw new SourceError(
        'refused-url',
        'source url refused: it holds a password; put that into a file under SLIPWAY_SECRETS_DIR and name it in credentials',
      );
    if (url.scheme === 'file') await guardFileUrl(url.url, this.config.fileFolders ?? []);
    return url;
  }

  /** Questions to a local copy; the network is out of reach. */
  async local(gitDir: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return runCommand(
      await this.command(
        args,
        { ...(await this.baseEnvironment()), GIT_DIR: gitDir, GIT_ALLOW_PROTOCOL: 'none' },
        this.limits.localMs,
        options,
      ),
    );
  }

  /** The same, its output as a stream; with `source`, smudging LFS files may ask that source's server. */
  async stream(
    gitDir: string,
    args: readonly string[],
    options: RunOptions & { source?: Source | undefined; environment?: Readonly<Record<string, string>> },
  ): Promise<Running> {
    const { source, environment, ...run } = options;
    const env = source ? await this.remoteEnvironment(source) : { ...(await this.baseEnvironment()), GIT_ALLOW_PROTOCOL: 'none' };
    return startCommand(await this.command(args, { ...env, ...environment, GIT_DIR: gitDir }, this.limits.fetchMs, run));
  }

  /** A run that talks to the source's server; `gitDir` only where it also writes a copy. */
  async remote(source: Source, gitDir: string | undefined, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const { url } = await this.guard(source);
    const env = await this.remoteEnvironment(source);
    // Outside a repository Git would look for one in the folders above.
    env['GIT_DIR'] = gitDir ?? '/dev/null';
    if (options.trace) env['GIT_TRACE_PACKET'] = '1';
    const run = async (more: Record<string, string>) =>
      runCommand(await this.command(args, { ...env, ...more }, this.limits.fetchMs, options));
    const finished = await run(insteadOf(url, this.moved.get(url)));
    if (!sentOn(finished.stderr)) return finished;
    this.moved.delete(url);
    const trace = { ...env, GIT_DIR: '/dev/null', GIT_TRACE_CURL: '1', GIT_TRACE_CURL_NO_DATA: '1' };
    const asked = await this.command(['ls-remote', '--heads', '--end-of-options', url], trace, this.limits.pollMs, {
      signal: options.signal,
    });
    const to = redirectOf(url, (await runCommand(asked)).stderr);
    const there = await run(insteadOf(url, to));
    if (sentOn(there.stderr)) throw new SourceError('refused-url', `the server sends us on again and again, at last from ${to}`);
    if (this.moved.size > 1_000) this.moved.clear();
    this.moved.set(url, to);
    return there;
  }

  private async command(args: readonly string[], env: Record<string, string>, timeoutMs: number, options: RunOptions): Promise<Command> {
    const { home } = await this.prepare();
    const limits = { maxMemory: this.limits.programBytes, timeoutMs: options.timeoutMs ?? timeoutMs };
    return { file: 'git', args, env, cwd: home, ...options, ...limits };
  }

  private async baseEnvironment(): Promise<Record<string, string>> {
    const { home } = await this.prepare();
    const fixed = {
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_NO_REPLACE_OBJECTS: '1',
      GIT_LITERAL_PATHSPECS: '1',
      // A few bytes can stand for a file of gigabytes that Git then makes in one piece. LFS files it holds, and lets them grow by half.
      GIT_ALLOC_LIMIT: String(Math.max(1024 ** 3, 2 * this.limits.lfsFileBytes)),
    };
    return {
      ...cleanEnvironment(home),
      ...fixed,
      GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
      GIT_PAGER: 'cat',
      GIT_EDITOR: '/bin/false',
    };
  }

  private async remoteEnvironment(source: Source): Promise<Record<string, string>> {
    const url = await this.guard(source);
    const env = { ...(await this.baseEnvironment()), GIT_ALLOW_PROTOCOL: url.scheme === 'http' ? 'http:https' : url.scheme } as Record<
      string,
      string
    >;
    const secret = source.credentials === undefined ? undefined : await secretFile(this.config.secretsDir, source.name, source.credentials);
    if (url.scheme === 'ssh') {
      env['GIT_SSH_COMMAND'] = sshCommand({ key: secret, knownHosts: knownHostsOf(this.config) });
      env['GIT_SSH_VARIANT'] = 'ssh';
    } else if (secret !== undefined && (url.scheme === 'https' || url.scheme === 'http')) {
      const authority = url.url.slice(url.scheme.length + 3).split('/', 1)[0] ?? '';
      Object.assign(env, {
        SLIPWAY_CREDENTIAL_FILE: secret,
        SLIPWAY_CREDENTIAL_ORIGIN: `${url.scheme}://${authority}`,
        SLIPWAY_CREDENTIAL_USER: source.username ?? url.username ?? '',
      });
    }
    return env;
  }

  private prepare(): Promise<{ home: string; hooks: string }> {
    this.prepared ??= (async () => {
      const home = await privateFolder(join(this.config.dataDir, 'git-home'));
      const hooks = await privateFolder(join(home, 'no-hooks'));
      await writePrivate(join(home, 'gitconfig'), settings(this.config, this.limits, home, hooks));
      await writePrivate(join(home, 'credentials'), helper, 0o700);
      return { home, hooks };
    })().catch((cause) => {
      this.prepared = undefined;
      throw new SourceError('errored', `the data directory can not be written: ${(cause as Error).message}`, { cause });
    });
    return this.prepared;
  }
}
