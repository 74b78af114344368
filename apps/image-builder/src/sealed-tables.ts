import type { SealedTables } from '@slipway/identity';

/** What image-builder decides by: each row is sealed when it is written and believed only with its seal (docs/adr/0021). */
export const sealedTables = {
  project_version: { key: ['project', 'version'], decides: ['file'] },
  build: {
    key: ['release'],
    decides: ['project', 'number', 'kind', 'line', 'revision', 'recipe', 'state', 'attempt', 'build', 'image'],
  },
  // Said by the gateway, of a build that is over.
  'retirement of an image': { table: 'build', seal: 'retired_seal', key: ['release'], decides: ['retired_at'] },
} as const satisfies SealedTables;

/** Tables nothing is decided by that a row in them could change for the worse, and why. */
export const unsealedTables: Readonly<Record<string, string>> = {};
