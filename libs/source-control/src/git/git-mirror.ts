import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../mirror-lock.js';
import { privateFolder, removeFolder, sizeWatch, writePrivate } from '../private-files.js';
import { checkGitRef, refMatcher } from '../ref-name.js';
import type { CallOptions, Limits, Point, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { copyName } from './copy-name.js';
import { throwAway, usedNow } from './forgotten-copies.js';
import type { GitCommand } from './git-command.js';
import { localError, remoteError } from './git-errors.js';
import { HeldRevisions } from './held-revisions.js';

/** Attributes that change what an archive holds are switched off; what a plain clone would do (line ends, encodings) stays on. */
const attributes = { plain: '* -export-ignore -export-subst -filter\n', lfs: '* -export-ignore -export-subst\n' };
export const commitId = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** The bare copies of sources: one a source, incremental, shared by the processes of one data directory through a lock file. */
export class GitMirrors {
  private readonly held: HeldRevisions;

  constructor(
    private readonly git: GitCommand,
    private readonly dataDir: string,
    private readonly limits: Limits,
  ) {
    this.held = new HeldRevisions(git);
  }

  /** Where the copy of a source is or will be. */
  path(source: Source): string {
    return join(this.dataDir, 'git', copyName(source));
  }

  /** Asks the server for its branches and tags; annotated tags come back as the commit they mark. */
  async heads(source: Source, options: CallOptions = {}): Promise<{ heads: Point[]; every: Set<string> }> {
    const { url } = await this.git.guard(source);
    const only = source.tags.length === 0 ? ['--heads'] : source.branches.length === 0 ? ['--tags'] : ['--heads', '--tags'];
    const { code, stdout, stderr } = await this.git.remote(source, undefined, ['ls-remote', ...only, '--quiet', '--end-of-options', url], {
      ...options,
      timeoutMs: options.timeoutMs ?? this.limits.pollMs,
    });
    if (code !== 0) throw remoteError(stderr);
    const every = new Map<string, string>();
    for (const line of stdout.toString('utf8').split('\n')) {
      const [revision = '', ref = ''] = line.split('\t');
      // The peeled line `…^{}` follows the tag's own and takes its place.
      if (commitId.test(revision)) every.set(ref.replace(/\^\{\}$/, ''), revision);
    }
    if (every.size === 0) throw await this.emptyOrNone(source, url, options);
    const wanted = refMatcher(source);
    const heads = [...every].filter(([ref]) => wanted(ref) && allowed(ref)).map(([ref, revision]) => ({ ref, revision }));
    if (heads.length > this.limits.refs)
      throw new SourceError('too-large', `${heads.length} branches and tags match; the limit is ${this.limits.refs}: narrow the patterns`);
    return { heads: heads.sort((one, other) => (one.ref < other.ref ? -1 : 1)), every: new Set(every.keys()) };
  }

  /** Over http Git takes any page without refs for an empty repository; one that speaks Git exchanges packets. */
  private async emptyOrNone(source: Source, url: string, options: CallOptions): Promise<SourceError> {
    const empty = new SourceError('empty', 'the repository has no commit yet');
    if (!url.startsWith('http')) return empty;
    const { stderr } = await this.git.remote(source, undefined, ['ls-remote', '--end-of-options', url], {
      ...options,
      timeoutMs: options.timeoutMs ?? this.limits.pollMs,
      trace: true,
    });
    if (/packet:.*git</.test(stderr)) return empty;
    return new SourceError('not-a-repository', 'what answers there is no Git repository, or one whose server does not speak Git');
  }

  /** Brings every head that matches here, and lets go of refs that the server has no more. */
  async fetch(source: Source, options: CallOptions = {}): Promise<void> {
    const { heads, every } = await this.heads(source, options);
    await this.mendingDamage(source, options, () =>
      this.locked(source, options, async (path, signal) => {
        const idle = await this.ensure(path, source, heads[0]?.revision.length === 64);
        const known = idle ? new Map<string, string>() : await this.refs(path, signal);
        const asked = source.tags.length === 0 ? 'refs/heads/' : source.branches.length === 0 ? 'refs/tags/' : 'refs/';
        await this.drop(
          path,
          [...known.keys()].filter((ref) => ref.startsWith(asked) && !every.has(ref)),
          signal,
        );
        const missing = heads.filter(({ ref, revision }) => known.get(ref) !== revision);
        if (missing.length > 0)
          await this.bring(
            path,
            source,
            missing.map(({ ref }) => `+${ref}:${ref}`),
            { ...options, signal },
          );
      }),
    );
    await this.present(
      source,
      heads.map(({ revision }) => revision),
      options,
    );
  }

  /** Which of these commits the copy holds. */
  present(source: Source, revisions: readonly string[], options: CallOptions = {}): Promise<readonly string[]> {
    return this.held.of(this.path(source), revisions, options);
  }

  /** Makes sure the revisions are here; asks the server for one by its id when no branch leads there any more. Throws `unknown-revision`. */
  async require(source: Source, revisions: readonly string[], options: CallOptions = {}): Promise<string> {
    const path = this.path(source);
    for (const revision of revisions) {
      if (!commitId.test(revision))
        throw new SourceError('unknown-revision', `${JSON.stringify(revision.slice(0, 80))} is not a full commit id`);
      if (await this.has(source, revision, options)) continue;
      await this.fetch(source, options);
      if (await this.has(source, revision, options)) continue;
      await this.bringLost(source, revision, options);
    }
    await usedNow(path);
    return path;
  }

  /** Runs `work`; when it finds the copy damaged, throws the copy away, fetches it anew and tries once more. */
  async mendingDamage<T>(source: Source, options: CallOptions, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SourceError) || error.reason !== 'damaged') throw error;
      await this.forget(source, options);
      return await work();
    }
  }

  /** Throws the copy away: moved aside first, so that nobody sees half of it. */
  async forget(source: Source, options: CallOptions = {}): Promise<void> {
    await this.locked(source, options, async (path) => throwAway(path));
  }

  private async has(source: Source, revision: string, options: CallOptions): Promise<boolean> {
    return (await this.present(source, [revision], options)).length > 0;
  }

  private async bringLost(source: Source, revision: string, options: CallOptions): Promise<void> {
    const fail = (cause?: unknown) =>
      new SourceError('unknown-revision', `the source has no commit ${revision.slice(0, 12)} any more`, { cause });
    await this.locked(source, options, (path, signal) =>
      this.bring(path, source, [`${revision}:refs/slipway/${revision}`], { ...options, signal }),
    ).catch((error: unknown) => {
      if (error instanceof SourceError && ['unreachable', 'timeout', 'cancelled', 'authentication', 'too-large'].includes(error.reason))
        throw error;
      throw fail(error);
    });
    if (!(await this.has(source, revision, options))) throw fail();
  }

  private async bring(path: string, source: Source, refspecs: readonly string[], options: CallOptions): Promise<void> {
    const { url } = await this.git.guard(source);
    const args = ['fetch', '--no-tags', '--no-write-fetch-head', '--no-auto-gc', '--force', '--quiet', '--stdin', '--end-of-options', url];
    const watch = sizeWatch(path, this.limits.mirrorBytes, 'the repository');
    const { code, stderr } = await this.git.remote(source, path, args, { ...options, input: `${refspecs.join('\n')}\n`, watch });
    if (code !== 0) throw remoteError(stderr, path);
    const late = await watch();
    if (late) throw late;
    await this.tidy(path, options);
  }

  /** Packs what many small fetches left behind; nothing is ever pruned, since a release may still need a commit no branch has. */
  private async tidy(path: string, options: CallOptions): Promise<void> {
    const packs = (await readdir(join(path, 'objects', 'pack'))).filter((name) => name.endsWith('.pack')).length;
    const loose = await readdir(join(path, 'objects', '17')).catch(() => []);
    if (packs < 50 && loose.length < 30) return;
    await this.git
      .local(path, ['gc', '--quiet', '--prune=never'], { signal: options.signal, timeoutMs: this.limits.fetchMs })
      .catch(() => undefined);
  }

  /** Makes the empty copy where there is none; true when it did. Removes what a killed process left. */
  private async ensure(path: string, source: Source, sha256: boolean): Promise<boolean> {
    const parts = await Promise.all(['HEAD', 'refs', 'objects/pack'].map((name) => exists(join(path, name))));
    const made = parts.includes(false);
    if (made) {
      await removeFolder(path);
      const { code, stderr } = await this.git.local(`${path}.new`, [
        'init',
        '--quiet',
        '--bare',
        `--object-format=${sha256 ? 'sha256' : 'sha1'}`,
      ]);
      if (code !== 0) throw localError(stderr);
      await writePrivate(
        join(await privateFolder(join(`${path}.new`, 'info')), 'attributes'),
        source.lfs ? attributes.lfs : attributes.plain,
      );
      await rename(`${path}.new`, path);
      return true;
    }
    for (const name of ['packed-refs.lock', 'shallow.lock', 'config.lock', 'HEAD.lock', 'gc.pid.lock', 'gc.pid'])
      await rm(join(path, name), { force: true });
    for (const name of await readdir(join(path, 'refs'), { recursive: true }))
      if (name.endsWith('.lock')) await rm(join(path, 'refs', name), { force: true });
    for (const name of await readdir(join(path, 'objects', 'pack')))
      if (name.startsWith('tmp_')) await rm(join(path, 'objects', 'pack', name), { force: true });
    return false;
  }

  private async refs(path: string, signal: AbortSignal): Promise<Map<string, string>> {
    const { code, stdout, stderr } = await this.git.local(
      path,
      ['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)', 'refs/heads/', 'refs/tags/'],
      { signal },
    );
    if (code !== 0) throw localError(stderr);
    const lines = stdout.toString('utf8').split('\n').filter(Boolean);
    return new Map(lines.map((line) => line.split(' ')).map(([ref = '', id = '', peeled = '']) => [ref, peeled || id]));
  }

  /** Before fetching: a branch `a` that is gone would stand in the way of a new `a/b`. */
  private async drop(path: string, refs: readonly string[], signal: AbortSignal): Promise<void> {
    if (refs.length === 0) return;
    const { code, stderr } = await this.git.local(path, ['update-ref', '--stdin'], {
      signal,
      input: refs.map((ref) => `delete ${ref}\n`).join(''),
    });
    if (code !== 0) throw localError(stderr);
  }

  private async locked<T>(source: Source, options: CallOptions, work: (path: string, signal: AbortSignal) => Promise<T>): Promise<T> {
    await privateFolder(join(this.dataDir, 'git'));
    const path = this.path(source);
    return withLock(`${path}.lock`, options.timeoutMs ?? this.limits.fetchMs, options.signal, (signal) => work(path, signal));
  }
}

function allowed(ref: string): boolean {
  try {
    checkGitRef(ref);
    return true;
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
