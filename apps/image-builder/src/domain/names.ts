import type { Release } from '@slipway/contracts';
import type { Build } from './build.js';
import { withoutUser } from './provenance.js';
import type { Recipe } from './recipe.js';

/** The tag a release's image is pushed under: the same for every try, and never that of another installation or project. */
export function releaseTag({ project, number, id }: Pick<Release, 'project' | 'number' | 'id'>): string {
  return `${project}-${number}-${id.slice(-12)}`;
}

/** The release that a tag of the form of {@link releaseTag} would be of; anybody can set one of that form. */
export function releaseNamedBy(tag: string): Pick<Release, 'project' | 'number'> | undefined {
  const [, project, number] = /^([a-z0-9-]{1,40})-([1-9]\d{0,8})-[0-9a-f]{12}$/.exec(tag) ?? [];
  return project === undefined ? undefined : { project, number: Number(number) };
}

/** What the image says of itself: the keys of the OCI image specification, and those by which Slipway knows its own. */
export function imageLabels({ release, attempt }: Build, recipe: Recipe, at: Date): Record<string, string> {
  const refName = release.ref.replace(/^refs\/(heads|tags)\//, '');
  return {
    'org.opencontainers.image.title': release.project,
    'org.opencontainers.image.version': release.kind === 'tag' ? refName : String(release.number),
    'org.opencontainers.image.revision': release.revision,
    'org.opencontainers.image.ref.name': refName,
    'org.opencontainers.image.source': withoutUser(recipe.source.url),
    'org.opencontainers.image.created': at.toISOString(),
    'dev.slipway.project': release.project,
    'dev.slipway.release': release.id,
    'dev.slipway.number': String(release.number),
    'dev.slipway.attempt': String(attempt),
  };
}
