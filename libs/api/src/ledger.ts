import { Id, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineCommand } from './commands.js';
import { defineRoute } from './route.js';

/** A row of the ledger that is not what the journal tells; `release` is `shop/42` where it is about one. */
export const LedgerDifference = z.object({
  book: z.string(),
  key: z.string(),
  what: z.enum(['missing', 'extra', 'differs']),
  release: z.string().nullable(),
});

/** The last time the ledger was folded anew or compared, and how far that is. */
export const LedgerFold = z.object({
  task: z.enum(['rebuild', 'check']),
  command: Id,
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  /** `journal`: reading its events; `releases`: folding the accounts; `last`: what came meanwhile. */
  step: z.enum(['journal', 'releases', 'last', 'over']).nullable(),
  /** Events read, of about so many. */
  events: z.int(),
  of: z.int(),
  releases: z.int(),
  /** Rows that differ, and the first of them by book. */
  differing: z.int(),
  differences: z.array(LedgerDifference),
  /** Why it was given up, or what kept it from going on last. */
  error: z.string().nullable(),
  askedAt: Time,
  finishedAt: Time.nullable(),
});

const none = z.strictObject({});

export const ledgerRoutes = {
  getLedger: defineRoute({
    method: 'GET',
    path: '/api/v1/ledger',
    summary: 'The last fold or comparison of the ledger, and how far it is',
    permission: 'ledger.manage',
    answer: z.object({ fold: LedgerFold.nullable() }),
  }),
  rebuildLedger: defineCommand({
    command: 'ledger.rebuild',
    path: '/api/v1/ledger/rebuild',
    summary: 'Fold the ledger anew from the journal; it is read as it was until that is done',
    params: none,
  }),
  checkLedger: defineCommand({
    command: 'ledger.check',
    path: '/api/v1/ledger/check',
    summary: 'Compare the ledger with the journal and change nothing',
    params: none,
  }),
};
