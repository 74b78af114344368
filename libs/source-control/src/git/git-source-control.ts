import type { Readable } from 'node:stream';
import { secretFile } from '../private-files.js';
import { checkGitRef, refMatcher } from '../ref-name.js';
import {
  type CallOptions,
  type CommitRange,
  defaultLimits,
  type Heads,
  type Limits,
  type Point,
  type Source,
  type SourceControl,
  type SourceControlConfig,
} from '../source-control.js';
import { SourceError } from '../source-error.js';
import { GitArchives } from './git-archive.js';
import { GitCommand } from './git-command.js';
import { localError } from './git-errors.js';
import { GitLfs } from './git-lfs.js';
import { logFormat, parseLog } from './git-log.js';
import { commitId, GitMirrors } from './git-mirror.js';

/** Git by its own program: polls with ls-remote, works on a bare mirror, never checks anything out. */
export class GitSourceControl implements SourceControl {
  readonly kind = 'git';
  private readonly git: GitCommand;
  private readonly mirrors: GitMirrors;
  private readonly archives: GitArchives;

  constructor(private readonly config: SourceControlConfig) {
    const limits: Limits = { ...defaultLimits, ...config.limits };
    this.git = new GitCommand(config, limits);
    this.mirrors = new GitMirrors(this.git, config.dataDir, limits);
    this.archives = new GitArchives(this.git, this.mirrors, new GitLfs(this.git, config.dataDir, limits), limits);
  }

  async check(source: Source): Promise<void> {
    await this.git.guard(source);
    refMatcher(source);
    for (const pattern of [...source.branches, ...source.tags]) if (!/[*?]/.test(pattern)) checkGitRef(`refs/heads/${pattern}`);
    if (source.credentials !== undefined) await secretFile(this.config.secretsDir, source.name, source.credentials);
  }

  async heads(source: Source, options: CallOptions = {}): Promise<Heads> {
    return { heads: (await this.mirrors.heads(source, options)).heads };
  }

  async fetch(source: Source, options: CallOptions = {}): Promise<void> {
    await this.mirrors.fetch(source, options);
  }

  async commits(
    source: Source,
    range: { from?: Point | undefined; to: Point; limit?: number | undefined },
    options: CallOptions = {},
  ): Promise<CommitRange> {
    const { from, to, limit = 1000 } = range;
    return this.here(source, from ? [from, to] : [to], options, async (gitDir) => {
      const not = from ? [`^${from.revision}`] : [];
      const printed = await this.ask(
        gitDir,
        ['log', '-z', logFormat, `--max-count=${limit + 1}`, '--end-of-options', to.revision, ...not, '--'],
        options,
      );
      const commits = parseLog(printed.toString('utf8'));
      return { commits: commits.slice(0, limit), truncated: commits.length > limit };
    });
  }

  async isAncestor(source: Source, ancestor: Point, descendant: Point, options: CallOptions = {}): Promise<boolean> {
    try {
      return await this.here(source, [ancestor, descendant], options, async (gitDir) => {
        const { code, stderr } = await this.git.local(
          gitDir,
          ['merge-base', '--is-ancestor', ancestor.revision, descendant.revision],
          options,
        );
        if (code === 0 || code === 1) return code === 0;
        throw localError(stderr);
      });
    } catch (error) {
      if (error instanceof SourceError && error.reason === 'unknown-revision') return false;
      throw error;
    }
  }

  async containing(source: Source, point: Point, candidates: readonly Point[], options: CallOptions = {}): Promise<readonly Point[]> {
    return this.here(source, [point], options, async (gitDir) => {
      const present = await this.present(source, candidates, options);
      const above = await this.between(gitDir, ['--ancestry-path', `^${point.revision}`], present, options);
      return candidates.filter(({ revision }) => above.has(revision) && revision !== point.revision);
    });
  }

  async firstContained(source: Source, point: Point, candidates: readonly Point[], options: CallOptions = {}): Promise<Point | undefined> {
    return this.here(source, [point], options, async (gitDir) => {
      const present = new Set(await this.present(source, candidates, options));
      const outside = await this.between(gitDir, [`^${point.revision}`], [...present], options);
      return candidates.find(({ revision }) => present.has(revision) && !outside.has(revision));
    });
  }

  /** A candidate that is not here can't be compared; what the server has lost contains nothing new. */
  private present(source: Source, candidates: readonly Point[], options: CallOptions): Promise<readonly string[]> {
    return this.mirrors.present(
      source,
      candidates.map(({ revision }) => revision).filter((revision) => commitId.test(revision)),
      options,
    );
  }

  /** The commits that these have, themselves among them, within what `args` leaves. */
  private async between(
    gitDir: string,
    args: readonly string[],
    revisions: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlySet<string>> {
    if (revisions.length === 0) return new Set();
    const input = `${revisions.join('\n')}\n`;
    const { code, stdout, stderr } = await this.git.local(gitDir, ['rev-list', ...args, '--stdin'], { ...options, input });
    if (code !== 0) throw localError(stderr);
    return new Set(stdout.toString('utf8').split('\n'));
  }

  async changedPaths(source: Source, from: Point | undefined, to: Point, options: CallOptions = {}): Promise<readonly string[]> {
    return this.here(source, from ? [from, to] : [to], options, async (gitDir) => {
      const diff = [
        'diff-tree',
        '-r',
        '-z',
        '--name-only',
        '--no-renames',
        '--no-ext-diff',
        '--no-textconv',
        '--ignore-submodules=none',
        '--end-of-options',
      ];
      const args = from
        ? [...diff, from.revision, to.revision, '--']
        : ['ls-tree', '-r', '-z', '--name-only', '--end-of-options', to.revision];
      return (await this.ask(gitDir, args, options)).toString('utf8').split('\0').filter(Boolean).sort();
    });
  }

  async taggedRevision(_source: Source, tag: Point): Promise<string> {
    return tag.revision;
  }

  async file(source: Source, point: Point, path: string, options: CallOptions & { maxBytes?: number } = {}): Promise<Buffer | undefined> {
    const { maxBytes = 1024 * 1024, ...bounds } = options;
    return this.here(source, [point], bounds, async (gitDir) => {
      const listed = (await this.ask(gitDir, ['ls-tree', '-z', '-l', '--end-of-options', point.revision, path], bounds)).toString('utf8');
      const entry = /^100(?:644|755) blob ([0-9a-f]+) +(\d+)\t/.exec(listed);
      if (!entry) return undefined;
      if (Number(entry[2]) > maxBytes) throw new SourceError('too-large', `${path} is larger than ${maxBytes} bytes`);
      return this.ask(gitDir, ['cat-file', 'blob', entry[1] ?? ''], { ...bounds, maxOutput: maxBytes });
    });
  }

  async archive(source: Source, point: Point, options: CallOptions = {}): Promise<Readable> {
    return this.here(source, [point], options, () => this.archives.open(source, point.revision, options));
  }

  async forget(source: Source): Promise<void> {
    await this.mirrors.forget(source);
  }

  /** Answers from the copy, after making sure that it holds what is asked about and is whole. */
  private here<T>(source: Source, points: readonly Point[], options: CallOptions, work: (gitDir: string) => Promise<T>): Promise<T> {
    for (const { ref } of points) checkGitRef(ref);
    return this.mirrors.mendingDamage(source, options, async () =>
      work(
        await this.mirrors.require(
          source,
          points.map((point) => point.revision),
          options,
        ),
      ),
    );
  }

  private async ask(gitDir: string, args: readonly string[], options: CallOptions & { maxOutput?: number }): Promise<Buffer> {
    const { code, stdout, stderr } = await this.git.local(gitDir, args, options);
    if (code !== 0) throw localError(stderr);
    return stdout;
  }
}
