import type { SealedTables } from '@slipway/identity';

/** What production-rollout decides by: each row is sealed when it is written and believed only with its seal (docs/adr/0021). */
export const sealedTables = {
  project: { key: ['name'], decides: ['version', 'file'] },
  target: { key: ['name'], decides: ['version', 'file'] },
  environment: { key: ['project', 'environment'], decides: ['state'] },
  rollout: { key: ['id'], decides: ['project', 'environment', 'release', 'request', 'state', 'rollout'] },
} as const satisfies SealedTables;

/** Tables nothing is decided by that a row in them could change for the worse, and why. */
export const unsealedTables: Readonly<Record<string, string>> = {
  withdrawn: 'a row refuses a release; one that is gone gives back what people had let in',
  request_end: 'a row refuses a grant; approval has ended it all the same',
  secret_said: 'only tells whether versions of secrets are worth saying again',
};
