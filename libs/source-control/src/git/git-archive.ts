import { Readable } from 'node:stream';
import { cleanEnvironment } from '../private-files.js';
import { runCommand } from '../run-command.js';
import type { CallOptions, Limits, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { endOfTar, withoutEnd } from '../tar-stream-end.js';
import type { GitCommand } from './git-command.js';
import { localError } from './git-errors.js';
import type { GitMirrors } from './git-mirror.js';
import { type Submodule, submodulesOf } from './git-submodules.js';

const deepest = 5;
const mostSubmodules = 100;

/** LFS files are fetched by git-lfs, which is only ever run for sources that ask for it. */
const lfsFilter = [
  '-c',
  'filter.lfs.smudge=git-lfs smudge -- %f',
  '-c',
  'filter.lfs.process=git-lfs filter-process',
  '-c',
  'filter.lfs.required=true',
];

/** Streams trees out of mirrors. */
export class GitArchives {
  constructor(
    private readonly git: GitCommand,
    private readonly mirrors: GitMirrors,
    private readonly limits: Limits,
  ) {}

  /** The tree of a commit that is here already, with its submodules where the source asks for them. */
  async open(source: Source, revision: string, options: CallOptions): Promise<Readable> {
    if (source.lfs) await this.requireLfs(options);
    const submodules = source.submodules ? await this.collect(source, revision, options) : [];
    return Readable.from(this.bytes(source, revision, submodules, options), { objectMode: false });
  }

  private async *bytes(source: Source, revision: string, submodules: readonly Submodule[], options: CallOptions): AsyncGenerator<Buffer> {
    const budget = { left: this.limits.archiveBytes };
    if (submodules.length === 0) return yield* this.one(source, revision, '', budget, options);
    yield* withoutEnd(this.one(source, revision, '', budget, options));
    for (const submodule of submodules)
      yield* withoutEnd(this.one(submodule.source, submodule.revision, `${submodule.path}/`, budget, options));
    yield endOfTar;
  }

  private async *one(
    source: Source,
    revision: string,
    prefix: string,
    budget: { left: number },
    options: CallOptions,
  ): AsyncGenerator<Buffer> {
    const args = [
      ...(source.lfs ? lfsFilter : []),
      'archive',
      '--format=tar',
      ...(prefix ? [`--prefix=${prefix}`] : []),
      '--end-of-options',
      revision,
    ];
    const running = await this.git.stream(this.mirrors.path(source), args, { ...options, source: source.lfs ? source : undefined });
    try {
      for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
        budget.left -= chunk.length;
        if (budget.left < 0)
          running.stop('too-large', `the files of this revision are larger than the limit of ${this.limits.archiveBytes} bytes`);
        else yield chunk;
      }
      const { code, stderr } = await running.finished;
      if (code !== 0) throw await this.afterFailure(source, localError(stderr));
    } finally {
      running.stop('cancelled', 'nobody reads the archive any more');
    }
  }

  /** A stream can't be begun anew, but the next one finds a good copy. */
  private async afterFailure(source: Source, error: SourceError): Promise<SourceError> {
    if (error.reason === 'damaged') await this.mirrors.forget(source);
    return error;
  }

  private async collect(source: Source, revision: string, options: CallOptions, depth = 0): Promise<Submodule[]> {
    const direct = await submodulesOf(this.git, this.mirrors.path(source), source, revision, options);
    if (direct.length > 0 && depth >= deepest) throw new SourceError('refused-submodule', `submodules are nested deeper than ${deepest}`);
    const found: Submodule[] = [];
    for (const submodule of direct) {
      await this.mirrors.mendingDamage(submodule.source, options, () =>
        this.mirrors.require(submodule.source, [submodule.revision], options),
      );
      const inner = await this.collect(submodule.source, submodule.revision, options, depth + 1);
      found.push(submodule, ...inner.map((each) => ({ ...each, path: `${submodule.path}/${each.path}` })));
      if (found.length > mostSubmodules) throw new SourceError('refused-submodule', `there are more than ${mostSubmodules} submodules`);
    }
    return found;
  }

  private async requireLfs(options: CallOptions): Promise<void> {
    await runCommand({
      file: 'git-lfs',
      args: ['version'],
      env: cleanEnvironment('/nonexistent'),
      timeoutMs: 10_000,
      signal: options.signal,
    }).catch(() => {
      throw new SourceError(
        'needs-git-lfs',
        'the source asks for LFS files, but git-lfs is not installed where Slipway runs: install it or set lfs: false',
      );
    });
  }
}
