import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanEnvironment, removeFolder, runFolder, sizeWatch } from '../private-files.js';
import { runCommand } from '../run-command.js';
import type { CallOptions, Limits, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { fileFolder, guardUrl } from '../source-url.js';
import type { GitCommand, RunOptions } from './git-command.js';
import { lfsError, localError } from './git-errors.js';
import { type LfsPointer, looksLikePointer, pointerOf } from './lfs-pointer.js';

/** What git-lfs is told for one revision. */
export interface LfsPlan {
  /** As arguments of `git`. */
  readonly settings: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly pointers: readonly LfsPointer[];
}

/** One use of a plan: the files it brings lie in a folder of its own until `end`. */
export interface LfsUse {
  readonly args: readonly string[];
  readonly run: RunOptions & { readonly environment: Readonly<Record<string, string>> };
  /** What a failed run said, when it was about LFS. */
  failure(stderr: string): SourceError | undefined;
  end(): Promise<void>;
}

/** Bytes of settings and half-written files beside what the pointers promise. */
const slack = 1024 * 1024;

/**
 * Brings LFS files by git-lfs, run by Git as the filter that a plain clone has. What a repository says about it in .lfsconfig holds for the
 * server and for what to leave out, as in a clone; the rest is ours.
 */
export class GitLfs {
  constructor(
    private readonly git: GitCommand,
    private readonly dataDir: string,
    private readonly limits: Limits,
  ) {}

  /** Throws `needs-git-lfs` where it is not installed. */
  async require(options: CallOptions): Promise<void> {
    const version = {
      file: 'git-lfs',
      args: ['version'],
      env: cleanEnvironment('/nonexistent'),
      timeoutMs: 10_000,
      signal: options.signal,
    };
    await runCommand(version).catch(() => {
      throw new SourceError(
        'needs-git-lfs',
        'the source asks for LFS files, but git-lfs is not installed where Slipway runs: install it or set lfs: false',
      );
    });
  }

  /** Looks at a revision that is here. Throws `too-large` before anything is fetched, `refused-url` for a server that is none. */
  async plan(source: Source, gitDir: string, revision: string, options: CallOptions): Promise<LfsPlan> {
    const pointers = await this.pointers(gitDir, revision, options);
    const largest = pointers.reduce((most, { size }) => Math.max(most, size), 0);
    const all = pointers.reduce((sum, { size }) => sum + size, 0);
    if (largest > this.limits.lfsFileBytes)
      throw new SourceError('too-large', `an LFS file of ${largest} bytes is larger than the limit of ${this.limits.lfsFileBytes} bytes`);
    if (all > this.limits.archiveBytes)
      throw new SourceError(
        'too-large',
        `the LFS files of this revision have ${all} bytes; the limit is ${this.limits.archiveBytes} bytes`,
      );
    const said = await this.lfsconfig(gitDir, revision, options);
    return { pointers, ...(await this.told(source, said)) };
  }

  /** Prepares one archive. */
  async begin(plan: LfsPlan): Promise<LfsUse> {
    const folder = await runFolder(join(this.dataDir, 'git-lfs'));
    const most = plan.pointers.reduce((sum, { size }) => sum + size, slack);
    return {
      args: [...plan.settings, '-c', `lfs.storage=${folder}`],
      // A server may send more than the pointer says; git-lfs finds that out at the end.
      run: {
        environment: { ...plan.environment, SLIPWAY_CREDENTIAL_REFUSED: join(folder, 'refused') },
        watch: sizeWatch(folder, most, 'what the LFS server sends for these files'),
      },
      failure: (stderr) => lfsError(stderr, plan.pointers),
      end: () => removeFolder(folder),
    };
  }

  private async pointers(gitDir: string, revision: string, options: CallOptions): Promise<LfsPointer[]> {
    const tree = await this.git.local(gitDir, ['ls-tree', '-r', '-z', '-l', '--end-of-options', revision], options);
    if (tree.code !== 0) throw localError(tree.stderr);
    const paths = new Map<string, string>();
    for (const line of tree.stdout.toString('utf8').split('\0')) {
      const [, id = '', size = '', path = ''] = /^100\d+ blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(line) ?? [];
      if (looksLikePointer(Number(size))) paths.set(id, path);
    }
    const found: LfsPointer[] = [];
    const ids = [...paths.keys()];
    for (let first = 0; first < ids.length; first += 10_000) {
      const input = `${ids.slice(first, first + 10_000).join('\n')}\n`;
      const { code, stdout, stderr } = await this.git.local(gitDir, ['cat-file', '--batch'], { ...options, input });
      if (code !== 0) throw localError(stderr);
      for (const [id, content] of blobsOf(stdout)) {
        const pointer = pointerOf(paths.get(id) ?? '', content);
        if (pointer) found.push(pointer);
      }
    }
    return found;
  }

  private async lfsconfig(gitDir: string, revision: string, options: CallOptions): Promise<Map<string, string>> {
    const { stdout } = await this.git.local(
      gitDir,
      [
        'config',
        `--blob=${revision}:.lfsconfig`,
        '-z',
        '--get-regexp',
        '^(lfs\\.(url|fetchinclude|fetchexclude)|remote\\.origin\\.lfsurl)$',
      ],
      { ...options, maxOutput: 64 * 1024 },
    );
    const entries = stdout.toString('utf8').split('\0').filter(Boolean);
    return new Map(entries.map((entry) => [entry.split('\n', 1)[0] ?? '', entry.slice(entry.indexOf('\n') + 1)]));
  }

  private async told(source: Source, said: ReadonlyMap<string, string>): Promise<Pick<LfsPlan, 'settings' | 'environment'>> {
    const named = said.get('lfs.url') ?? said.get('remote.origin.lfsurl');
    const { url, environment } = named === undefined ? await usualServer(source.url) : { url: namedServer(named), environment: {} };
    const { stallSeconds } = this.limits;
    const settings = {
      'filter.lfs.smudge': 'git-lfs smudge -- %f',
      'filter.lfs.process': 'git-lfs filter-process',
      'filter.lfs.required': 'true',
      // Said here, .lfsconfig of whatever branch git-lfs reads it from has no say; nor has it to write into the copy's own settings.
      'lfs.url': url,
      'lfs.fetchinclude': said.get('lfs.fetchinclude') ?? '',
      'lfs.fetchexclude': said.get('lfs.fetchexclude') ?? '',
      'lfs.repositoryformatversion': '0',
      'lfs.skipdownloaderrors': 'false',
      'lfs.basictransfersonly': 'true',
      'lfs.locksverify': 'false',
      // A shared connection would outlive the run and leave its socket behind.
      'lfs.ssh.automultiplex': 'false',
      'lfs.transfer.maxretries': '3',
      'lfs.dialtimeout': String(stallSeconds),
      'lfs.tlstimeout': String(stallSeconds),
      'lfs.activitytimeout': String(stallSeconds),
    };
    return { settings: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]), environment };
  }
}

/** Where git-lfs looks by itself: beside the repository. From a folder it takes the files through Git's own alternates, without a server. */
async function usualServer(given: string): Promise<{ url: string; environment: Record<string, string> }> {
  const { url, scheme } = guardUrl('git', given);
  if (scheme === 'file') return { url: '', environment: { GIT_ALTERNATE_OBJECT_DIRECTORIES: await objectsOf(fileFolder(url)) } };
  if (scheme === 'ssh') return { url, environment: {} };
  if (scheme === 'git') throw new SourceError('refused-url', 'a git:// server brings no LFS files: read the source by https or ssh');
  const repository = url.replace(/\/+$/, '').replace(/(\.git)?$/, '.git');
  return { url: `${repository}/info/lfs`, environment: {} };
}

async function objectsOf(repository: string): Promise<string> {
  const withTree = join(repository, '.git', 'objects');
  return (await stat(withTree).catch(() => undefined)) ? withTree : join(repository, 'objects');
}

function namedServer(given: string): string {
  const { url, scheme, password } = guardUrl('git', given);
  if (scheme !== 'https' && scheme !== 'http')
    throw new SourceError('refused-url', `.lfsconfig names an LFS server by ${scheme}; only https and http are allowed there`);
  if (password !== undefined) throw new SourceError('refused-url', 'the url of the LFS server in .lfsconfig holds a password: take it out');
  return url;
}

/** Takes `cat-file --batch` apart: id and content. */
function* blobsOf(printed: Buffer): Generator<[string, string]> {
  for (let at = 0; at < printed.length; ) {
    const end = printed.indexOf(10, at);
    const [id = '', , size = '0'] = printed.toString('latin1', at, end).split(' ');
    yield [id, printed.toString('utf8', end + 1, end + 1 + Number(size))];
    at = end + 1 + Number(size) + 1;
  }
}
