import type { SealedTables } from '@slipway/identity';

/** What source-watcher decides by: each row is sealed when it is written and believed only with its seal (docs/adr/0021). */
export const sealedTables = {
  source: { key: ['project'], decides: ['version', 'file', 'generation'] },
  head: { key: ['project', 'ref'], decides: ['revision'] },
  release: {
    key: ['id'],
    decides: ['project', 'number', 'kind', 'ref', 'line', 'revision', 'release', 'project_version', 'repository_file'],
  },
  // The image comes later, by an event that tells nothing of the rest.
  'image of a release': { table: 'release', seal: 'image_seal', key: ['id'], decides: ['image'] },
} as const satisfies SealedTables;

/** Tables nothing is decided by that a row in them could change for the worse, and why. */
export const unsealedTables: Readonly<Record<string, string>> = {
  outcome: 'only tells what was dealt with: a row keeps a revision from being looked at again',
  delivery: 'a row adds somebody who counts as part of the change; one that is gone is as if no webhook had come',
  secret_version: 'only tells whether a version is new, and so whether a release of the same image is due',
};
