import type { ChangeInView, CommitIdentity, Release, ResolvedDeployment } from '@slipway/contracts';
import { changedParts } from '@slipway/release';

/** How a release hangs on those before it, as its source said at its birth. */
export interface Link {
  readonly number: number;
  readonly line: string;
  readonly revision: string;
  /** The revision of the release it was compared with, the last of its own line that it holds or, where there is none, of the line it grew from. */
  readonly from: string | null;
  /**
   * The releases that came in beside that one, by number: of another line that was merged, or that its own grew from. Null in what was told before this was so: that
   * was compared with the last of its line, which it need not hold.
   */
  readonly merged: readonly number[] | null;
}

/** The releases whose authors do not count, and the revision or the number of one that has not been heard of, where a way down breaks off. */
export interface Change {
  readonly numbers: readonly number[];
  readonly unheard: string | number | null;
}

/** What runs, as far as it decides what a change is counted from; every Release has it. */
export type Runs = Pick<Release, 'number' | 'line' | 'ref' | 'revision' | 'ancestorOf'>;

/**
 * Everything between what runs and a candidate (design part 4, promise 11): its own line since the newest of it that what runs holds, and all ways down from release
 * to release, across lines, until what runs holds them or nothing is left. More than that only makes fewer people count.
 */
export function changeOf(links: readonly Link[], running: Runs | null, candidate: Omit<Link, 'merged'>): Change {
  const lineage = lineageOf(links);
  const held = heldBy(lineage, running);
  const since = held.newest.get(candidate.line) ?? 0;
  const own = links.filter(({ line, number }) => line === candidate.line && number > since && number <= candidate.number);
  const numbers = new Set([...own.map(({ number }) => number), candidate.number]);
  const seen = new Set<Link>();
  let unheard: Change['unheard'] = null;
  const open: Link[] = [lineage.byNumber.get(candidate.number) ?? { ...candidate, merged: [] }];
  for (let at = open.pop(); at; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    numbers.add(at.number);
    const below = madeOf(lineage, at);
    if (at.from !== null && at.from !== running?.revision && below.compared.length === 0) unheard ??= at.from;
    unheard ??= below.unheard ?? null;
    open.push(...[...below.compared, ...below.beside].filter((link) => !held.commits.has(commitOf(link))));
  }
  return { numbers: [...numbers], unheard };
}

/** Whether a release holds all that another one holds: no change that was counted from that grows when it is counted from this. */
export function holds(links: readonly Link[], release: Runs, other: Runs): boolean {
  const lineage = lineageOf(links);
  const [here, there] = [heldBy(lineage, release), heldBy(lineage, other)];
  const isNoOlder = ([line, number]: [string, number]) => (here.newest.get(line) ?? 0) >= number;
  return [...there.commits].every((commit) => here.commits.has(commit)) && [...there.newest].every(isNoOlder);
}

/**
 * Whether what runs contains a release though the numbers do not say so: one of another line, that was merged into it or that it has grown from later than that was born;
 * a tag of its own line that was set late on an older commit. The same commit is neither: on its own line the number decides, as for what is pushed there.
 */
export function grewFrom(links: readonly Link[], running: Runs, release: Runs): boolean {
  const isTold = running.line === release.line && (release.ref === release.line || release.number < running.number);
  if (isTold || commitOf(running) === commitOf(release)) return false;
  const lineage = lineageOf(links);
  const { commits } = heldBy(lineage, running);
  const isHeld = (link: Pick<Link, 'line' | 'revision'> | undefined) => link !== undefined && commits.has(commitOf(link));
  return isHeld(release) || release.ancestorOf.some((number) => isHeld(lineage.byNumber.get(number)));
}

/** All releases of a project that are asked about, to go down from one to the next. */
interface Lineage {
  readonly byNumber: ReadonlyMap<number, Link>;
  /** Oldest first: there may be tags and configurations of one commit. */
  readonly byRevision: ReadonlyMap<string, readonly Link[]>;
}

function lineageOf(links: readonly Link[]): Lineage {
  const sorted = links.toSorted((one, other) => one.number - other.number);
  return {
    byNumber: new Map(links.map((link) => [link.number, link])),
    byRevision: Map.groupBy(sorted, ({ revision }) => revision),
  };
}

/** What tells commits apart. A revision of Subversion counts over all lines, and may be of two at once. */
function commitOf({ line, revision }: Pick<Link, 'line' | 'revision'>): string {
  return /^\d{1,10}$/.test(revision) ? `${revision} ${line}` : revision;
}

/** The releases that one was made of: of the commit it was compared with, oldest first, and beside it; and the number of one that has not been heard of. */
function madeOf({ byNumber, byRevision }: Lineage, { number, line, from, merged }: Link) {
  const beside = (merged ?? []).flatMap((each) => byNumber.get(each) ?? []).filter((link) => link.number < number);
  const all = (byRevision.get(from ?? '') ?? []).filter((link) => link.number < number);
  const commits = from === null ? [] : [commitOf({ line, revision: from }), ...beside.map(commitOf)];
  const compared = commits.map((commit) => all.filter((link) => commitOf(link) === commit)).find((found) => found.length > 0);
  return { compared: compared ?? all, beside, unheard: merged?.find((each) => !byNumber.has(each)) };
}

/** What a release holds of what was released, as far as the ways down from it are known. */
interface Held {
  readonly commits: ReadonlySet<string>;
  /** The newest of each line. */
  readonly newest: ReadonlyMap<string, number>;
}

function heldBy(lineage: Lineage, release: Runs | null): Held {
  const commits = new Set(release ? [commitOf(release)] : []);
  const newest = new Map<string, number>();
  const seen = new Set<Link>();
  const open = release ? standsFor(lineage, release) : [];
  for (let at = open.pop(); at; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    commits.add(commitOf(at));
    newest.set(at.line, Math.max(at.number, newest.get(at.line) ?? 0));
    if (at.merged === null) continue;
    const { compared, beside } = madeOf(lineage, at);
    // A later tag on the same commit has a higher number and holds no more.
    open.push(...compared.slice(0, 1), ...beside);
  }
  return { commits, newest };
}

/**
 * The links that tell what a release holds: its own. One that others held at its birth holds less than its number says, a tag that was set late on old code: only
 * what it was made of. None where that is too long ago to tell, or was told before it had to be held.
 */
function standsFor(lineage: Lineage, { number, line, ref, revision, ancestorOf }: Runs): Link[] {
  const own = lineage.byNumber.get(number) ?? { number, line, revision, from: null, merged: [] };
  const isHeldByOwnLine = ancestorOf.some((each) => lineage.byNumber.get(each)?.line === line);
  if (ancestorOf.length === 0 || (ref === line && !isHeldByOwnLine)) return [own];
  if (own.merged === null) return [];
  const { compared, beside } = madeOf(lineage, own);
  return [...compared.slice(0, 1), ...beside].filter((link) => !ancestorOf.includes(link.number));
}

/** Whose change something is, and how many commits it has. */
export interface Whose {
  readonly involved: readonly string[];
  readonly unmatched: readonly CommitIdentity[];
  readonly total: number;
}

/** Whether it is more people's change than it was, or more of it. */
export function hasGrown(was: Whose, is: Whose): boolean {
  const isNew = ({ name, email, account }: CommitIdentity) =>
    !was.unmatched.some((each) => each.name === name && each.email === email && each.account === account);
  return is.total > was.total || is.involved.some((id) => !was.involved.includes(id)) || is.unmatched.some(isNew);
}

/** A commit as people who sign see it. */
export interface ToldCommit {
  readonly revision: string;
  readonly author: string;
  readonly title: string;
}

/** The newest commits a release brought, newest first, and how many there are. */
export interface Brought {
  readonly number: number;
  readonly commits: readonly ToldCommit[];
  readonly total: number;
}

/** As many as a person reads before signing; the source has the rest, and a request is said often. */
export const mostCommits = 20;
const mostSettings = 50;
const longestTitle = 200;
const longestSetting = 400;

/** The first line of a message, as long as it is shown. */
export function titleOf(message: string): string {
  return cut(message.trim().split('\n', 1)[0] ?? '', longestTitle);
}

/** A cut may fall between the halves of a character, and half of one is no text: neither RFC 8785 nor jsonb takes it. */
function cut(text: string, longest: number): string {
  return text.slice(0, longest).toWellFormed();
}

/** The commits of a change, newest first, each once, as many as there is room for, and how many there are. */
export function commitsOf(brought: readonly Brought[]): Pick<ChangeInView, 'commits' | 'total'> {
  const newestFirst = brought.toSorted((one, other) => other.number - one.number);
  const all = newestFirst.flatMap(({ number, commits }) => commits.map((commit) => ({ release: number, ...commit })));
  const once = [...new Map(all.map((commit) => [commit.revision, commit])).values()];
  const untold = brought.reduce((sum, { total, commits }) => sum + Math.max(0, total - commits.length), 0);
  return { commits: once.slice(0, mostCommits), total: once.length + untold };
}

/** What would run otherwise than what was let in before, save for the release itself. */
export function settingsChanged(before: ResolvedDeployment, now: ResolvedDeployment): NonNullable<ChangeInView['settings']> {
  return changedParts(before, now)
    .filter(({ part }) => part !== 'release' && part !== 'image')
    .slice(0, mostSettings)
    .map(({ text }) => ({ en: cut(text.en, longestSetting), zh: cut(text.zh, longestSetting) }));
}
