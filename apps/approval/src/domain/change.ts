import type { ChangeInView, CommitIdentity, Release, ResolvedDeployment } from '@slipway/contracts';
import { changedParts } from '@slipway/release';

/** How a release hangs on the one before it, as its source said at its birth. */
export interface Link {
  readonly number: number;
  readonly line: string;
  readonly revision: string;
  /** The revision of the release it was compared with, the last of its own line that it holds or, where there is none, of the line it grew from. */
  readonly from: string | null;
}

/** The releases whose authors do not count, and the revision of one that has not been heard of, where the way down breaks off. */
export interface Change {
  readonly numbers: readonly number[];
  readonly unheard: string | null;
}

/** What runs, as far as it decides what a change is counted from; every Release has it. */
export type Runs = Omit<Link, 'from'> & Pick<Release, 'ancestorOf' | 'ref'>;

/** How many earlier releases source-watcher compares one with at its birth. */
const compared = 100;

/**
 * Everything between what runs and a candidate (design part 4, promise 11): its own line since what runs holds of it, and the way down from release to release,
 * across lines, until what runs holds it or nothing is left. More than that only makes fewer people count.
 */
export function changeOf(links: readonly Link[], running: Runs | null, candidate: Link): Change {
  const held = running ? heldBy(links, running) : new Map<string, number>();
  const isHeld = (link: Link) => link.number <= (held.get(link.line) ?? 0);
  const own = links.filter((link) => link.line === candidate.line && !isHeld(link) && link.number <= candidate.number);
  const numbers = new Set([...own.map((link) => link.number), candidate.number]);
  const twins = Map.groupBy(oldestFirst(links), (link) => link.revision);
  for (let at = candidate; at.from !== null && at.from !== running?.revision; ) {
    const { from, number } = at;
    const next = twins.get(from)?.findLast((link) => link.number < number);
    if (!next) return { numbers: [...numbers], unheard: from };
    if (twins.get(from)?.some(isHeld)) break;
    numbers.add(next.number);
    at = next;
  }
  return { numbers: [...numbers], unheard: null };
}

/** Whether a release holds all of another one: no change that was counted from that grows when it is counted from this. */
export function holds(links: readonly Link[], release: Runs, other: Runs): boolean {
  return release.revision === other.revision || (heldBy(links, release).get(other.line) ?? 0) >= other.number;
}

/**
 * Whether what runs has grown from a release of another line, later than that was born: neither says so of itself. Of its own line the number decides, for a
 * configuration or a tag on the same commit is newer; on another line the same commit is neither newer nor older.
 */
export function grewFrom(links: readonly Link[], running: Runs, release: Runs): boolean {
  return running.line !== release.line && running.revision !== release.revision && holds(links, running, release);
}

/** Up to which release of each line a release holds what was released: its own line, and those it has grown from, as far as its way down is known. */
function heldBy(links: readonly Link[], release: Runs): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  const sorted = oldestFirst(links);
  // A later tag on the same commit has a higher number and holds no more.
  const oldest = new Map(sorted.toReversed().map((link) => [link.revision, link]));
  for (let at = standsFor(sorted, release); at; ) {
    const { line, number, from } = at;
    held.set(line, Math.max(number, held.get(line) ?? 0));
    const next = from === null ? undefined : oldest.get(from);
    at = next && next.number < number ? next : undefined;
  }
  return held;
}

/**
 * The link that tells what a release holds: its own. One that others held at its birth holds less than its number says, a tag that was set late on old code: what it
 * was compared with, which it holds or, in what was told before that was so, the last of the line before those that hold it. None where that is too long ago to tell.
 */
function standsFor(sorted: readonly Link[], { number, line, ref, revision, ancestorOf }: Runs): Link | undefined {
  const own = sorted.find((link) => link.number === number) ?? { number, line, revision, from: null };
  const isHeldByOwnLine = sorted.some((link) => link.line === line && ancestorOf.includes(link.number));
  if (ancestorOf.length === 0 || (ref === line && !isHeldByOwnLine)) return own;
  const from = sorted.find((link) => link.revision === own.from && link.number < number);
  if (from && !ancestorOf.includes(from.number)) return from;
  const first = Math.min(...ancestorOf);
  return sorted.findLast((link) => link.line === line && link.number < first && link.number > number - compared);
}

function oldestFirst(links: readonly Link[]): Link[] {
  return links.toSorted((one, other) => one.number - other.number);
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
