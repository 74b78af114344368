import { join } from 'node:path';
import { cleanEnvironment, privateFolder, secretFile, writePrivate } from '../private-files.js';
import { type Command, type Finished, type Running, runCommand, startCommand } from '../run-command.js';
import type { Limits, Source, SourceControlConfig } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { type GuardedUrl, guardFileUrl, guardUrl } from '../source-url.js';
import { knownHostsOf, sshCommand } from '../ssh.js';

/** What one run may be told. */
export type RunOptions = Pick<Command, 'signal' | 'input' | 'maxOutput' | 'watch'> & {
  timeoutMs?: number | undefined /** Prints the packets exchanged. */;
  trace?: boolean;
};

/** Settings no repository, account or machine can change: no hooks, no filters but ours, no helpers, nothing run after a fetch. */
function settings(config: SourceControlConfig, limits: Limits, hooks: string): string {
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
  lines.push('[http]', `lowSpeedLimit = ${limits.stallBytesPerSecond}`, `lowSpeedTime = ${limits.stallSeconds}`, 'emptyAuth = false');
  if (config.caFile) lines.push(`sslCAInfo = ${JSON.stringify(config.caFile)}`);
  return `${lines.join('\n')}\n`;
}

/** Answers only for the server the credentials are for, so that a redirect elsewhere gets none; reads the secret itself, so that no argument holds it. */
const askpass = `#!/bin/sh
IFS= read -r line < "$SLIPWAY_CREDENTIAL_FILE" || [ -n "$line" ] || exit 1
case "$1" in
  "Username for '$SLIPWAY_CREDENTIAL_ORIGIN'"*|"Username for '$SLIPWAY_CREDENTIAL_ORIGIN/"*)
    if [ -n "$SLIPWAY_CREDENTIAL_USER" ]; then printf '%s\\n' "$SLIPWAY_CREDENTIAL_USER"; exit 0; fi
    case "$line" in *:*) printf '%s\\n' "\${line%%:*}" ;; *) printf 'x-access-token\\n' ;; esac ;;
  "Password for '"*"@$SLIPWAY_CREDENTIAL_HOST'"*|"Password for '"*"@$SLIPWAY_CREDENTIAL_HOST/"*)
    printf '%s\\n' "\${line#*:}" ;;
  *) exit 1 ;;
esac
`;

/** Starts Git, always the same guarded way. */
export class GitCommand {
  private prepared: Promise<{ home: string; hooks: string }> | undefined;

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
  async stream(gitDir: string, args: readonly string[], options: RunOptions & { source?: Source | undefined }): Promise<Running> {
    const env = options.source
      ? await this.remoteEnvironment(options.source)
      : { ...(await this.baseEnvironment()), GIT_ALLOW_PROTOCOL: 'none' };
    return startCommand(await this.command(args, { ...env, GIT_DIR: gitDir }, this.limits.fetchMs, options));
  }

  /** A run that talks to the source's server; `gitDir` only where it also writes a copy. */
  async remote(source: Source, gitDir: string | undefined, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const env = await this.remoteEnvironment(source);
    // Outside a repository Git would look for one in the folders above.
    env['GIT_DIR'] = gitDir ?? '/dev/null';
    if (options.trace) env['GIT_TRACE_PACKET'] = '1';
    return runCommand(await this.command(args, env, this.limits.fetchMs, options));
  }

  private async command(args: readonly string[], env: Record<string, string>, timeoutMs: number, options: RunOptions): Promise<Command> {
    const { home } = await this.prepare();
    return { file: 'git', args, env, cwd: home, ...options, timeoutMs: options.timeoutMs ?? timeoutMs };
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
    };
    return {
      ...cleanEnvironment(home),
      ...fixed,
      GIT_CONFIG_GLOBAL: join(home, 'gitconfig'),
      GIT_ASKPASS: '/bin/false',
      SSH_ASKPASS: '/bin/false',
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
        GIT_ASKPASS: join((await this.prepare()).home, 'askpass'),
        SLIPWAY_CREDENTIAL_FILE: secret,
        SLIPWAY_CREDENTIAL_HOST: authority,
      });
      Object.assign(env, {
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
      await writePrivate(join(home, 'gitconfig'), settings(this.config, this.limits, hooks));
      await writePrivate(join(home, 'askpass'), askpass, 0o700);
      return { home, hooks };
    })().catch((cause) => {
      this.prepared = undefined;
      throw new SourceError('errored', `the data directory can not be written: ${(cause as Error).message}`, { cause });
    });
    return this.prepared;
  }
}
