import type { SealedTables } from '@slipway/identity';

/** What the gateway decides by, which is who may come in: each row is sealed when it is written and believed only with its seal (docs/adr/0021). */
export const sealedTables = {
  person: { key: ['id'], decides: ['version', 'person'] },
  token: { key: ['id'], decides: ['hash', 'person', 'expires_at', 'revoked_at'] },
  one_time_link: { key: ['hash'], decides: ['person', 'expires_at'] },
} as const satisfies SealedTables;

const shown = 'what people are shown; whoever decides by it asks the service that owns it';
const applied = 'what is said of it is what was sent, never what a row says; a row can only keep a file from being applied';

/** Tables nothing is decided by that a row in them could change for the worse, and why. */
export const unsealedTables: Readonly<Record<string, string>> = {
  project: applied,
  project_version: applied,
  target: applied,
  target_version: applied,
  journal: 'each row is the signed event as it was received',
  journal_archive: 'which months were moved to files, and what these hash to',
  release: shown,
  release_event: shown,
  retired_release: 'which images need not be kept any longer',
  request: `${shown}: what somebody signs is bound to what approval asks`,
  environment: shown,
  command: shown,
  answer: shown,
  source_told: shown,
  dead_letter_told: shown,
  audit_link: 'a copy of the chains, which are verified up to their signed heads',
  audit_conflict: shown,
  audit_head: 'a copy, signed by approval',
  log_chunk: shown,
};
