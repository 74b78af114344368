import type { SealedTables } from '@slipway/identity';

/** What approval decides by: each row is sealed when it is written and believed only with its seal (docs/adr/0021). */
export const sealedTables = {
  project: { key: ['name'], decides: ['version', 'file'] },
  target: { key: ['name'], decides: ['version', 'file'] },
  person: { key: ['id'], decides: ['version', 'person'] },
  secret_version: { key: ['project', 'name', 'service'], decides: ['version'] },
  release: {
    key: ['id'],
    decides: [
      'project',
      'number',
      'release',
      'people',
      'pusher',
      'trigger_person',
      'range_from',
      'commits',
      'commit_total',
      'withdrawn_at',
    ],
  },
  // How releases hang on each other is asked of all of them at once, without what makes their rows long.
  'release link': { table: 'release', seal: 'link_seal', key: ['id'], decides: ['project', 'number', 'line', 'revision', 'range_from'] },
  // Not in the seal beside it, which a version before checks and writes without this.
  'release merges': { table: 'release', seal: 'merged_seal', key: ['id'], decides: ['project', 'number', 'merged'] },
  passage: { key: ['release', 'environment'], decides: ['project', 'facts', 'passed_at'] },
  standing: { key: ['project', 'environment'], decides: ['release', 'image', 'address'] },
  'standing bars': { table: 'standing', seal: 'barred_seal', key: ['project', 'environment'], decides: ['barred'] },
  request: {
    key: ['id'],
    decides: ['release', 'project', 'environment', 'number', 'state', 'request', 'grant_id', 'grant_not_after', 'grant_used', 'opened_at'],
  },
  audit_pending: { key: ['event'], decides: ['chain', 'at', 'entry'] },
  audit_head: { key: ['chain'], decides: ['sequence', 'hash'] },
} as const satisfies SealedTables;

/** Tables nothing is decided by that a row in them could change for the worse, and why. */
export const unsealedTables: Readonly<Record<string, string>> = {
  nonce: 'a row refuses; one that is gone lets the same person say the same of the same request again, which counts once',
  audit_entry: 'the record itself: chained, and its heads are signed',
};
