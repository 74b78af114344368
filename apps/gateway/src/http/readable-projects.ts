import type { Person } from '@slipway/contracts';
import { can } from '@slipway/identity';

/** The projects whose releases somebody may read, narrowed to the one asked for; null where that is all of them. */
export function readableProjects(by: Person, wanted: string | undefined): readonly string[] | null {
  if (wanted !== undefined) return can(by, 'release.read', wanted) ? [wanted] : [];
  if (can(by, 'release.read', '*')) return null;
  return [...new Set(by.roles.map(({ project }) => project))].filter((project) => can(by, 'release.read', project));
}
