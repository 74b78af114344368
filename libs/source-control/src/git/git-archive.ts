import { Readable } from 'node:stream';
import type { CallOptions, Limits, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { endOfTar, withoutEnd } from '../tar-stream-end.js';
import type { GitCommand } from './git-command.js';
import { localError } from './git-errors.js';
import type { GitLfs, LfsPlan } from './git-lfs.js';
import type { GitMirrors } from './git-mirror.js';
import { type Submodule, submodulesOf } from './git-submodules.js';

const deepest = 5;
const mostSubmodules = 100;

/** One tree of an archive and, where its LFS files are wanted, how to get these. */
interface Part {
  readonly source: Source;
  readonly revision: string;
  readonly prefix: string;
  readonly lfs: LfsPlan | undefined;
}

/** Streams trees out of mirrors. */
export class GitArchives {
  constructor(
    private readonly git: GitCommand,
    private readonly mirrors: GitMirrors,
    private readonly lfs: GitLfs,
    private readonly limits: Limits,
  ) {}

  /** The tree of a commit that is here already, with its submodules where the source asks for them. */
  async open(source: Source, revision: string, options: CallOptions): Promise<Readable> {
    if (source.lfs) await this.lfs.require(options);
    const submodules = source.submodules ? await this.collect(source, revision, options) : [];
    const parts = [await this.part(source, revision, '', options)];
    for (const each of submodules) parts.push(await this.part(each.source, each.revision, `${each.path}/`, options));
    return Readable.from(this.bytes(parts, options), { objectMode: false });
  }

  private async part(source: Source, revision: string, prefix: string, options: CallOptions): Promise<Part> {
    const lfs = source.lfs ? await this.lfs.plan(source, this.mirrors.path(source), revision, options) : undefined;
    return { source, revision, prefix, lfs };
  }

  private async *bytes(parts: readonly Part[], options: CallOptions): AsyncGenerator<Buffer> {
    const budget = { left: this.limits.archiveBytes };
    const [only, another] = parts;
    if (only && !another) return yield* this.one(only, budget, options);
    for (const part of parts) yield* withoutEnd(this.one(part, budget, options));
    yield endOfTar;
  }

  private async *one(part: Part, budget: { left: number }, options: CallOptions): AsyncGenerator<Buffer> {
    const { source, revision, prefix } = part;
    const lfs = part.lfs && (await this.lfs.begin(part.lfs));
    const args = ['archive', '--format=tar', ...(prefix ? [`--prefix=${prefix}`] : []), '--end-of-options', revision];
    try {
      const run = { ...options, ...lfs?.run, source: lfs && source };
      const running = await this.git.stream(this.mirrors.path(source), [...(lfs?.args ?? []), ...args], run);
      try {
        for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
          budget.left -= chunk.length;
          if (budget.left < 0)
            running.stop('too-large', `the files of this revision are larger than the limit of ${this.limits.archiveBytes} bytes`);
          else yield chunk;
        }
        const { code, stderr } = await running.finished;
        if (code !== 0) throw lfs?.failure(stderr) ?? (await this.afterFailure(source, localError(stderr)));
      } finally {
        running.stop('cancelled', 'nobody reads the archive any more');
        await running.finished.catch(() => undefined);
      }
    } finally {
      await lfs?.end();
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
}
