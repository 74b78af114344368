import type { SealedTables } from '@slipway/identity';

/** What test-deployer decides by: each row is sealed when it is written and believed only with its seal (docs/adr/0021). */
export const sealedTables = {
  project: { key: ['name'], decides: ['version', 'file'] },
  target: { key: ['name'], decides: ['version', 'file'] },
  environment: { key: ['project', 'environment'], decides: ['state'] },
  deployment: { key: ['id'], decides: ['project', 'environment', 'release', 'state', 'deployment'] },
} as const satisfies SealedTables;

/** Tables nothing is decided by that a row in them could change for the worse, and why. */
export const unsealedTables: Readonly<Record<string, string>> = {
  withdrawn: 'a row refuses a release; what it lets go on goes on in test, and approval has ended it',
  decision: 'only tells how long an environment is kept for those who sign',
};
