import { Injectable } from '@nestjs/common';
import type { ProjectFile } from '@slipway/contracts';
import { type CommitRange, type Point, SourceError } from '@slipway/source-control';
import { type Asked, containing, grownFrom, isHeld, pointOf, whereKnown } from './among-releases.js';
import type { Facts } from './domain/decide-movement.js';
import { mergedWith } from './domain/merged.js';
import type { Movement } from './domain/movements.js';
import { type Born, Releases, Repositories, Sources } from './ports.js';
import { type ReadFile, readRepositoryFile, repositoryFileBytes, repositoryFileName } from './repository-file.js';
import type { Sighting } from './sighting.js';

/** More commits than this in one step, and who else wrote in it is unknown: see peopleOf. */
const mostCommits = 5_000;
/** How many earlier releases a head is compared with that moved on from its last; and anything else, which may be far from the newest. */
const fewReleases = 100;
const mostReleases = 1_000;

/** One look at one source. */
export interface Look {
  readonly project: string;
  readonly file: ProjectFile;
  readonly heads: readonly Point[];
  readonly signal: AbortSignal;
}

/** Asks the repository and the tables everything a decision about a movement needs. */
@Injectable()
export class Gathering {
  constructor(
    private readonly sources: Sources,
    private readonly releases: Releases,
    private readonly repositories: Repositories,
  ) {}

  /** When the commit of each of these heads was made. */
  async committedAt(look: Look, heads: readonly Point[]): Promise<{ ref: string; committedAt: string }[]> {
    const asked = this.asked(look);
    const times: { ref: string; committedAt: string }[] = [];
    for (const head of heads) times.push({ ref: head.ref, committedAt: await timeOf(asked, head) });
    return times;
  }

  /** `stood`: it was there when it began to be watched; then only the head itself counts as new. */
  async gather(look: Look, movement: Movement & { to: string }, stood: boolean): Promise<Sighting> {
    const asked = this.asked(look);
    const to: Point = { ref: movement.ref, revision: movement.to };
    const isTag = to.ref.startsWith('refs/tags/');
    const base: Point = isTag ? { ref: to.ref, revision: await asked.control.taggedRevision(asked.source, to, asked.options) } : to;
    const line = isTag ? await lineOfTag(asked, look, base) : to.ref;
    const direction = isTag ? 'new' : await directionOf(asked, movement);
    const { previous, releases } = await this.compared(look, asked, movement, { line, direction });
    const from = previous && pointOf(previous);
    const isFirst = releases.length === 0;
    const range = await rangeOf(asked, from, to, { whole: previous !== undefined || !(stood || isFirst), isFirst });
    const since =
      movement.from === null || isTag ? range.commits : await sinceHead(asked, { ref: to.ref, revision: movement.from }, to, range);
    const twin = isTag ? await this.releases.ofRevision(look.project, base.revision) : undefined;
    const read = await repositoryFileAt(asked, to);
    const facts: Facts = {
      movement,
      stood,
      taken: stood,
      direction,
      revisions: [...new Set([to.revision, ...(stood || isTag ? [] : since.map(({ revision }) => revision))])],
      changedPaths: stood || isTag ? null : await this.changedPaths(asked, look, movement, from, to),
      badFile: 'problem' in read ? read.problem : null,
      awaitsImage: twin?.building === true && twin.image === null,
    };
    return {
      facts,
      line,
      range,
      merged: merged(asked, { line, revision: to.revision }, range, previous, releases),
      ancestorOf: await containing(asked, base, releases, direction === 'forward'),
      committedAt: range.commits.find(({ revision }) => revision === to.revision)?.time ?? (await timeOf(asked, to)),
      repositoryFile: 'file' in read ? read.file : null,
      image: twin?.image ?? null,
      ...(await this.pushers(look.project, [...new Set([...facts.revisions, ...range.commits.map(({ revision }) => revision)])], to)),
    };
  }

  private asked(look: Look): Asked {
    return { ...this.repositories.of(look.project, look.file), options: { signal: look.signal } };
  }

  /** What a revision is compared with: the last release of its line that it holds or, where there is none, the newest that it grew from; and all that were looked at. */
  private async compared(
    { project }: Look,
    asked: Asked,
    movement: Movement & { to: string },
    at: { line: string; direction: Facts['direction'] },
  ): Promise<{ previous: Born | undefined; releases: readonly Born[] }> {
    const last = await this.releases.lastOnLine(project, at.line);
    const held = last && (await isHeld(asked, last, movement, at.direction)) ? last : undefined;
    const few = held && at.direction === 'forward' ? await this.releases.newest(project, fewReleases) : [];
    if (few.some(({ release }) => release.number === held?.release.number)) return { previous: held, releases: few };
    const releases = await this.releases.newest(project, mostReleases);
    return { previous: held ?? (await grownFrom(asked, releases, { ref: movement.ref, revision: movement.to })), releases };
  }

  private async changedPaths(
    asked: Asked,
    look: Look,
    movement: Movement,
    from: Point | undefined,
    to: Point,
  ): Promise<readonly string[] | null> {
    const { git, svn } = look.file.spec.source;
    const base = movement.from === null ? from : { ref: to.ref, revision: movement.from };
    if (((git ?? svn)?.paths.length ?? 0) === 0 || !base) return null;
    return whereKnown(asked.control.changedPaths(asked.source, base, to, asked.options), null);
  }

  private async pushers(
    project: string,
    revisions: readonly string[],
    to: Point,
  ): Promise<Pick<Sighting, 'pusher' | 'otherPushers' | 'byWebhook'>> {
    const deliveries = await this.sources.deliveries(project, revisions);
    const own = deliveries.find(({ ref, revision }) => revision === to.revision && (ref === null || ref === to.ref));
    const others = deliveries.filter((delivery) => delivery !== own).flatMap(({ pusher }) => pusher ?? []);
    return { pusher: own?.pusher ?? null, otherPushers: others, byWebhook: own !== undefined };
  }
}

async function repositoryFileAt({ control, source, options }: Asked, at: Point): Promise<ReadFile> {
  try {
    return readRepositoryFile(await control.file(source, at, repositoryFileName, { ...options, maxBytes: repositoryFileBytes }));
  } catch (error) {
    if (error instanceof SourceError && error.reason === 'too-large') return { problem: error.message };
    throw error;
  }
}

async function directionOf({ control, source, options }: Asked, { ref, from, to }: Movement & { to: string }): Promise<Facts['direction']> {
  if (from === null) return 'new';
  const [before, after] = [
    { ref, revision: from },
    { ref, revision: to },
  ];
  if (await control.isAncestor(source, before, after, options)) return 'forward';
  return (await control.isAncestor(source, after, before, options)) ? 'back' : 'across';
}

/** The branch a tag sits on: the first named one that contains it; its own line when none does. */
async function lineOfTag({ control, source, options }: Asked, { heads }: Look, base: Point): Promise<string> {
  const named = (ref: string) => (source.branches.includes(ref.slice('refs/heads/'.length)) ? 0 : 1);
  const branches = heads.filter(({ ref }) => ref.startsWith('refs/heads/')).sort((one, other) => named(one.ref) - named(other.ref));
  const above = new Set(await control.containing(source, base, branches, options));
  return branches.find((branch) => branch.revision === base.revision || above.has(branch))?.ref ?? base.ref;
}

/** What came since the release before; the head alone where it is the first of all, or only the past lies below it, which is told to be missing where it is not the first. */
async function rangeOf(
  { control, source, options }: Asked,
  from: Point | undefined,
  to: Point,
  { whole, isFirst }: { whole: boolean; isFirst: boolean },
): Promise<CommitRange & { from: string | null }> {
  const known = from && (await whereKnown(control.commits(source, { from, to, limit: mostCommits }, options), undefined));
  if (known && from) return { ...known, from: from.revision };
  const range = await control.commits(source, { to, limit: whole ? mostCommits : 1 }, options);
  return { ...range, truncated: range.truncated && !isFirst, from: null };
}

/** Subversion's history tells of no merges, and one of its revisions may be of two lines. */
function merged(
  { control }: Asked,
  head: { line: string; revision: string },
  { commits }: CommitRange,
  previous: Born | undefined,
  releases: readonly Born[],
): number[] {
  const earlier = releases.map(({ release }) => release);
  return mergedWith(head, control.kind === 'git' ? commits : [], previous?.release, earlier);
}

async function sinceHead({ control, source, options }: Asked, from: Point, to: Point, range: CommitRange & { from: string | null }) {
  if (range.from === from.revision) return range.commits;
  const since = await whereKnown(control.commits(source, { from, to, limit: mostCommits }, options), undefined);
  return since?.commits ?? range.commits;
}

async function timeOf({ control, source, options }: Asked, at: Point): Promise<string> {
  return (await control.commits(source, { to: at, limit: 1 }, options)).commits[0]?.time ?? '1970-01-01T00:00:00.000Z';
}
