import type { Release } from '@slipway/contracts';
import type { History } from './history.ts';

/** From each commit of a repository to the next. */
type Steps = ReadonlyMap<string, readonly string[]>;

/** Which commit contains which, by the repositories themselves; where one was not read, or does not have it any more, by what was said at a release's birth. */
export class Ancestry {
  /** Of each Git repository, the commits that were made on each, and those that each was made on. Subversion's count over all branches, and say nothing of this. */
  readonly #children = new Map<string, Steps>();
  readonly #parents = new Map<string, Steps>();
  readonly #read: ReadonlySet<string>;

  constructor({ repositories }: History) {
    this.#read = new Set(repositories.map(({ project }) => project));
    for (const { project, commits } of repositories.filter(({ system }) => system === 'git')) {
      const children = new Map<string, string[]>(commits.map(({ revision }) => [revision, []]));
      for (const { revision, parents } of commits) for (const parent of parents) children.get(parent)?.push(revision);
      this.#children.set(project, children);
      this.#parents.set(project, new Map(commits.map(({ revision, parents }) => [revision, parents])));
    }
  }

  /** Whether the project's repository was read at all. */
  isRead(project: string): boolean {
    return this.#read.has(project);
  }

  /** Every commit that contains this one, but for itself; undefined where its repository does not say. */
  descendants({ project, revision }: Pick<Release, 'project' | 'revision'>): ReadonlySet<string> | undefined {
    return reached(this.#children.get(project), revision);
  }

  /** Every commit that this one contains, but for itself; undefined where its repository does not say. */
  ancestors({ project, revision }: Pick<Release, 'project' | 'revision'>): ReadonlySet<string> | undefined {
    return reached(this.#parents.get(project), revision);
  }

  /** Whether the second one's commit contains the first one's. */
  isAncestor(one: Release, of: Release): boolean {
    return this.descendants(one)?.has(of.revision) ?? one.ancestorOf.includes(of.number);
  }

  /** Older within its line by its number, or because the other's history contains it whatever its number. Releases of different lines are neither. */
  isOlder(one: Release, than: Release): boolean {
    if (one.id === than.id) return false;
    if (this.isAncestor(one, than)) return true;
    return one.line === than.line && one.number < than.number && !this.isAncestor(than, one);
  }
}

function reached(steps: Steps | undefined, revision: string): ReadonlySet<string> | undefined {
  if (!steps?.has(revision)) return undefined;
  const found = new Set<string>();
  const open = [...(steps.get(revision) ?? [])];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (found.has(at)) continue;
    found.add(at);
    open.push(...(steps.get(at) ?? []));
  }
  return found;
}
