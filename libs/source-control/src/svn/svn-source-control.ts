import type { Readable } from 'node:stream';
import { secretFile } from '../private-files.js';
import { branchPrefix, checkSvnRef, refMatcher, tagPrefix } from '../ref-name.js';
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
import { exportTar } from './svn-archive.js';
import { SvnCommand, target } from './svn-command.js';
import { svnError } from './svn-errors.js';
import { checkPoint, SvnLog, urlOf } from './svn-log.js';
import { parseDiffSummary, parseInfo, parseList } from './svn-xml.js';

/** A target among several that is not there: svn says so and answers about the others. */
const partly = (stderr: string) => /W160013|W170000|E200009|W200009/.test(stderr) && !/E170001|E170013|E215004/.test(stderr);

/** Subversion by its own program, without a working copy. Branches and tags are folders below the source's url. */
export class SvnSourceControl implements SourceControl {
  readonly kind = 'svn';
  private readonly limits: Limits;
  private readonly svn: SvnCommand;
  private readonly svnLog: SvnLog;

  constructor(private readonly config: SourceControlConfig) {
    this.limits = { ...defaultLimits, ...config.limits };
    this.svn = new SvnCommand(config, this.limits);
    this.svnLog = new SvnLog(this.svn);
  }

  async check(source: Source): Promise<void> {
    await this.svn.guard(source);
    refMatcher(source);
    for (const pattern of [...source.branches, ...source.tags]) {
      checkSvnRef(`${branchPrefix}${pattern}`);
      if (/[*?{].*\//.test(pattern))
        throw new SourceError('refused-ref', `${JSON.stringify(pattern)}: only the last part of a Subversion path may hold * or ?`);
    }
    if (source.credentials !== undefined) await secretFile(this.config.secretsDir, source.name, source.credentials);
  }

  async heads(source: Source, options: CallOptions = {}): Promise<Heads> {
    await this.check(source);
    const { url } = await this.svn.guard(source);
    const patterns = [...source.branches, ...source.tags];
    const plain = patterns.filter((pattern) => !/[*?{]/.test(pattern));
    const info = await this.svn.run(
      source,
      ['info', '--xml'],
      ['', ...plain].map((path) => target(url, path)),
      { ...options, mayFail: partly },
    );
    const [top, ...found] = parseInfo(info.stdout);
    if (!top || top.url !== url)
      throw info.stderr
        ? svnError(info.stderr)
        : new SourceError('not-a-repository', `the repository calls this folder ${top?.url}: use that url`);
    if (top.newest === 0) throw new SourceError('empty', 'the repository has no commit yet');
    const folders = new Map(
      found.filter((each) => each.folder).map((each) => [decodeURIComponent(each.url.slice(url.length + 1)), each.changed]),
    );
    const parents = new Set(
      patterns.filter((pattern) => /[*?{]/.test(pattern)).map((pattern) => pattern.slice(0, pattern.lastIndexOf('/') + 1)),
    );
    for (const parent of parents) {
      const list = await this.svn.run(source, ['list', '--xml'], [target(url, parent)], { ...options, mayFail: partly });
      if (list.code === 0) for (const { name, changed } of parseList(list.stdout)) folders.set(parent + name, changed);
    }
    const wanted = refMatcher(source);
    const refs = [...folders].flatMap(([path, changed]) =>
      [branchPrefix, tagPrefix].map((prefix) => ({ ref: prefix + path, revision: String(changed) })),
    );
    const heads = refs.filter(({ ref }) => wanted(ref)).sort((one, other) => (one.ref < other.ref ? -1 : 1));
    if (heads.length > this.limits.refs)
      throw new SourceError('too-large', `${heads.length} branches and tags match; the limit is ${this.limits.refs}: narrow the patterns`);
    return { heads, uuid: top.uuid };
  }

  /** Nothing to bring: svn asks its server for every answer. Fails as a poll does when the source can not be read. */
  async fetch(source: Source, options: CallOptions = {}): Promise<void> {
    await this.heads(source, options);
  }

  async commits(
    source: Source,
    range: { from?: Point | undefined; to: Point; limit?: number | undefined },
    options: CallOptions = {},
  ): Promise<CommitRange> {
    const { from, to, limit = 1000 } = range;
    const first = from ? Number(from.revision) + 1 : 1;
    if (first > Number(to.revision)) return { commits: [], truncated: false };
    const args = ['-r', `${to.revision}:${first}`, '--limit', String(limit + 1)];
    // Of a head alone nobody asks what was merged into it.
    const { entries, isWhole } =
      limit === 1
        ? { entries: await this.svnLog.read(source, to, args, options), isWhole: true }
        : await this.svnLog.withMerged(source, to, args, options);
    const newestFirst = entries.toSorted(byRevision).toReversed();
    return { commits: newestFirst.slice(0, limit).map(({ paths, ...commit }) => commit), truncated: entries.length > limit || !isWhole };
  }

  async isAncestor(source: Source, ancestor: Point, descendant: Point, options: CallOptions = {}): Promise<boolean> {
    checkPoint(ancestor);
    if (Number(ancestor.revision) > Number(descendant.revision)) return false;
    return this.svnLog.has(source, descendant, ancestor.revision, options);
  }

  async containing(source: Source, point: Point, candidates: readonly Point[], options: CallOptions = {}): Promise<readonly Point[]> {
    const later = candidates.filter(({ revision }) => Number(revision) > Number(point.revision));
    const found = new Set<Point>();
    for (const folder of Map.groupBy(later, ({ ref }) => ref).values())
      for (const each of await this.containingOf(source, point, folder.toSorted(byRevision), options)) found.add(each);
    return candidates.filter((each) => found.has(each));
  }

  /**
   * Of the revisions of one folder, oldest first. What one contains all contain that came after it, until the folder was made anew: one of each time is asked
   * about.
   */
  private async containingOf(source: Source, point: Point, folder: readonly Point[], options: CallOptions): Promise<readonly Point[]> {
    const found: Point[] = [];
    for (let left = folder; left.length > 0; ) {
      const newest = left.at(-1) as Point;
      const made = await this.svnLog.made(source, newest, options);
      const before = left.filter(({ revision }) => Number(revision) < made);
      if (await this.isAncestor(source, point, newest, options)) found.push(...left.slice(before.length));
      left = before;
    }
    return found;
  }

  async firstContained(source: Source, point: Point, candidates: readonly Point[], options: CallOptions = {}): Promise<Point | undefined> {
    for (const candidate of candidates)
      if ((await this.isAncestor(source, candidate, point, options)) && (await this.was(source, candidate, point, options)))
        return candidate;
    return undefined;
  }

  /** Whether a folder was that one then, or is it: one revision may have changed several. */
  private async was(source: Source, then: Point, now: Point, options: CallOptions): Promise<boolean> {
    if (then.ref === now.ref) return true;
    const { stdout } = await this.svn.run(source, ['info', '--xml', '-r', then.revision], [await urlOf(this.svn, source, now)], options);
    const [found] = parseInfo(stdout);
    const wanted = (await urlOf(this.svn, source, then)).replace(/@\d+$/, '');
    return found !== undefined && decodeURIComponent(found.url) === decodeURIComponent(wanted);
  }

  async changedPaths(source: Source, from: Point | undefined, to: Point, options: CallOptions = {}): Promise<readonly string[]> {
    const url = await urlOf(this.svn, source, to);
    if (!from) {
      const { stdout } = await this.svn.run(source, ['list', '--recursive'], [url], options);
      return stdout
        .toString('utf8')
        .split('\n')
        .filter((path) => path !== '' && !path.endsWith('/'))
        .sort();
    }
    const old = await urlOf(this.svn, source, from);
    const { stdout } = await this.svn.run(source, ['diff', '--summarize', '--xml', `--old=${old}`, `--new=${url}`], [], options);
    const base = old.slice(0, old.lastIndexOf('@'));
    return parseDiffSummary(stdout)
      .map((path) => decodeURIComponent(path.startsWith(base) ? path.slice(base.length + 1) : path))
      .filter(Boolean)
      .sort();
  }

  async taggedRevision(source: Source, tag: Point, options: CallOptions = {}): Promise<string> {
    const entries = await this.svnLog.read(
      source,
      tag,
      ['-r', `${tag.revision}:1`, '--verbose', '--stop-on-copy', '--limit', '2'],
      options,
    );
    const copy = entries[0]?.paths.length === 1 ? entries[0].paths[0]?.copiedFrom : undefined;
    if (entries.length !== 1 || !copy) return tag.revision;
    // The copy names the repository's revision of then; what was built has the number of the last change in that folder.
    const { url } = await this.svn.guard(source);
    const [top] = parseInfo((await this.svn.run(source, ['info', '--xml'], [target(url, '')], options)).stdout);
    const [origin] = parseInfo(
      (await this.svn.run(source, ['info', '--xml'], [target(top?.root ?? url, copy.path, String(copy.revision))], options)).stdout,
    );
    return origin ? String(origin.changed) : tag.revision;
  }

  async file(source: Source, point: Point, path: string, options: CallOptions & { maxBytes?: number } = {}): Promise<Buffer | undefined> {
    const { maxBytes = 1024 * 1024, ...bounds } = options;
    const at = target((await urlOf(this.svn, source, point)).replace(/@\d+$/, ''), path, point.revision);
    try {
      const [found] = parseInfo((await this.svn.run(source, ['info', '--xml'], [at], bounds)).stdout);
      if (!found || found.folder) return undefined;
      return (await this.svn.run(source, ['cat'], [at], { ...bounds, maxOutput: maxBytes })).stdout;
    } catch (error) {
      if (error instanceof SourceError && error.reason === 'gone') return undefined;
      throw error;
    }
  }

  async archive(source: Source, point: Point, options: CallOptions = {}): Promise<Readable> {
    return exportTar(this.svn, this.config.dataDir, this.limits, source, await urlOf(this.svn, source, point), options);
  }

  /** There is nothing kept. */
  async forget(): Promise<void> {}
}

function byRevision(one: Pick<Point, 'revision'>, other: Pick<Point, 'revision'>): number {
  return Number(one.revision) - Number(other.revision);
}
