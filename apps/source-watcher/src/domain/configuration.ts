import type { Environment, ProjectFile, Release, RepositoryFile } from '@slipway/contracts';
import { canonicalJson, goesBackwards, newestOf, promotionPath, settingsOf } from '@slipway/release';
import { mostTold } from './worth-telling.js';

/** A release that could run again with other settings. */
export interface Base {
  readonly release: Release;
  readonly repositoryFile: RepositoryFile | null;
}

/**
 * Which of the newest built releases must be born again because what an environment would run is another than before: for
 * each environment that changed, the newest one it lets in. Policy, freezes and the like change who decides, not what runs, and don't count.
 */
export function bornAgain<B extends Base>(before: ProjectFile, after: ProjectFile, bases: readonly B[]): B[] {
  return chosen(after, bases, (environment, base) => {
    const old = before.spec.environments.find(({ name }) => name === environment.name);
    return !old || !onPath(before, old, base) || runs(before, old, base) !== runs(after, environment, base);
  });
}

/** The same for a secret that has a new version: the environments that use it changed. */
export function bornAgainForSecret<B extends Base>(file: ProjectFile, secret: string, bases: readonly B[]): B[] {
  return chosen(file, bases, (environment, base) => settingsOf(file, environment, base.repositoryFile).app.secrets.includes(secret));
}

/**
 * Of which releases a configuration of this one is an ancestor, whatever its own number says: of those that the release is, and of what was born of its line since and
 * is newer. Those of its line newest first.
 */
export function ancestorOfAgain(base: Release, sinceOnLine: readonly Release[]): number[] {
  const newer = sinceOnLine.filter((each) => each.revision !== base.revision && goesBackwards(each, base)).map(({ number }) => number);
  const told = newer.slice(0, mostTold / 2);
  return [...told, ...base.ancestorOf.slice(told.length - mostTold)];
}

function chosen<B extends Base>(file: ProjectFile, bases: readonly B[], changed: (environment: Environment, base: B) => boolean): B[] {
  const found = new Set<B>();
  for (const environment of file.spec.environments) {
    const base = newestOf(
      bases.filter((each) => onPath(file, environment, each)),
      ({ release }) => release,
    );
    if (base && changed(environment, base)) found.add(base);
  }
  return bases.filter((base) => found.has(base));
}

function onPath(file: ProjectFile, environment: Environment, { release }: Base): boolean {
  return promotionPath(file, release.ref).some(({ name }) => name === environment.name);
}

/** Everything of an environment that reaches its containers, as text: equal settings, equal text. */
function runs(file: ProjectFile, environment: Environment, base: Base): string {
  const { app } = settingsOf(file, environment, base.repositoryFile);
  return canonicalJson({ app, target: environment.target, port: environment.port ?? null, image: file.spec.image.repository });
}
