import type { Environment, ProjectFile } from '@slipway/contracts';
import { matches } from './pattern.js';

/** A ref taken apart. Anything that is neither under refs/heads nor refs/tags is a branch by its whole name. */
function partsOf(ref: string): { kind: 'branch' | 'tag'; name: string } {
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', name: ref.slice('refs/tags/'.length) };
  return { kind: 'branch', name: ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : ref };
}

/** The branches and tags an environment lets in: its own `accepts`, else all the source watches (test), else its first branch and its tags. */
function acceptedBy(file: ProjectFile, environment: Environment): { branches: readonly string[]; tags: readonly string[] } {
  if (environment.accepts) return environment.accepts;
  const source = file.spec.source.git ?? file.spec.source.svn;
  const branches = source?.branches ?? [];
  return { branches: environment.stage === 'test' ? branches : branches.slice(0, 1), tags: source?.tags ?? [] };
}

/** The environment of that name; undefined where the project has none. */
export function environmentOf(file: ProjectFile, name: string): Environment | undefined {
  return file.spec.environments.find((environment) => environment.name === name);
}

/** The test environment a release was in on its way through `name`: that one itself, or the first before it. Gives the name it stopped at where the file knows no further. */
export function testEnvironmentBefore(file: ProjectFile, name: string): string {
  const environment = environmentOf(file, name);
  const before = environment?.after[0];
  // `after` names what stands further up (checkEnvironments of contracts), so this ends.
  return environment && environment.stage !== 'test' && before !== undefined ? testEnvironmentBefore(file, before) : name;
}

/** Whether an environment lets a ref in (`refs/heads/main`, `refs/tags/v1`). What must come before it is another question. */
export function accepts(file: ProjectFile, environment: Environment, ref: string): boolean {
  const { kind, name } = partsOf(ref);
  const patterns = acceptedBy(file, environment);
  return (kind === 'tag' ? patterns.tags : patterns.branches).some((pattern) => matches(pattern, name));
}

/**
 * The environments a release of that ref will go through, in the order of the file: each lets it in, and so do all that come before it.
 * An environment behind one that refuses the ref is out of reach.
 */
export function promotionPath(file: ProjectFile, ref: string): Environment[] {
  const reached = new Set<string>();
  const path: Environment[] = [];
  for (const environment of file.spec.environments) {
    if (!accepts(file, environment, ref) || !environment.after.every((name) => reached.has(name))) continue;
    reached.add(environment.name);
    path.push(environment);
  }
  return path;
}

/** Where a release goes next: on its path, not passed yet, and everything before it passed. With nothing passed: where it begins. */
export function nextEnvironments(file: ProjectFile, ref: string, passed: ReadonlySet<string>): Environment[] {
  return promotionPath(file, ref).filter(
    (environment) => !passed.has(environment.name) && environment.after.every((name) => passed.has(name)),
  );
}

/** Of the next environments those that `just` has opened: what to start when it was the last to pass. */
export function openedBy(file: ProjectFile, ref: string, passed: ReadonlySet<string>, just: string): Environment[] {
  return nextEnvironments(file, ref, new Set([...passed, just])).filter((environment) => environment.after.includes(just));
}

/** The ends of the path: a release that runs in all of these has arrived. */
export function lastEnvironments(file: ProjectFile, ref: string): Environment[] {
  const path = promotionPath(file, ref);
  return path.filter((environment) => !path.some((other) => other.after.includes(environment.name)));
}
