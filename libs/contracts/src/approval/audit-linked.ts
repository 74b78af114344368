import { z } from 'zod';
import { defineEvent } from '../define-event.js';
import { DsseEnvelope, Sha256, Time } from '../nouns.js';

/** What stands before the first entry of a chain. */
export const auditGenesis = '0'.repeat(64);

/** One link: `hash` is SHA-256 of the canonical JSON of all its other fields. */
export const AuditLink = z.object({
  /** The project, or `installation`. */
  chain: z.string().max(100),
  sequence: z.int().positive(),
  at: Time,
  /** The event that was decided or recorded. */
  event: z.string().max(100),
  entry: z.record(z.string(), z.unknown()),
  previous: Sha256,
  hash: Sha256,
});
export type AuditLink = z.infer<typeof AuditLink>;

/** New links of an audit chain and its signed head: whoever keeps these sees a rewritten, shortened or gapped chain. */
export const AuditLinked = defineEvent({
  name: 'audit.linked',
  writer: 'approval',
  topic: 'approvals',
  about: 'installation',
  information: true,
  data: z.object({
    chain: z.string().max(100),
    links: z.array(AuditLink).min(1).max(50),
    /** A DSSE envelope around `{chain, sequence, hash, at}`. */
    head: DsseEnvelope,
  }),
});
