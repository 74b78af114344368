import { Id, Name, Service, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineCommand } from './commands.js';
import { defineRoute, largestInt, PageQuery, pageOf } from './route.js';

/** One link of an audit chain: `hash` covers the canonical JSON of all its other fields, so each of them is needed to verify it. */
export const AuditEntry = z.object({
  chain: z.string(),
  sequence: z.int(),
  at: Time,
  /** The id of the event that was recorded. */
  event: z.string(),
  entry: z.record(z.string(), z.unknown()),
  previous: z.string(),
  hash: z.string(),
});
/** The signed head of a chain: what truncation shows against. */
export const AuditHead = z.object({ chain: z.string(), sequence: z.int(), hash: z.string(), at: Time, envelope: z.unknown() });

const letter = z.strictObject({ service: Service, id: z.string().max(100) });
export const DeadLetterView = z.object({
  service: Service,
  id: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.string(),
  event: z.string().nullable(),
  name: z.string().nullable(),
  reason: z.string(),
  stack: z.string().nullable(),
  /** How long its value is, in bytes, where that was told. */
  bytes: z.int().nullable().default(null),
  /** How its value begins, of what a service of Slipway signed. */
  excerpt: z.string().nullable().default(null),
  at: Time,
  state: z.enum(['open', 'replayed', 'discarded']),
});

export const installationRoutes = {
  audit: defineRoute({
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'A page of an audit chain, with its signed heads; `project` absent: the installation’s own chain',
    permission: 'audit.read',
    query: z.strictObject({
      project: Name.optional(),
      after: z.coerce.number().int().min(0).max(largestInt).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(200),
    }),
    answer: z.object({ items: z.array(AuditEntry), head: AuditHead.nullable() }),
  }),
  listDeadLetters: defineRoute({
    method: 'GET',
    path: '/api/v1/dead-letters',
    summary: 'Records no handler could take',
    permission: 'dead-letters.read',
    query: z.strictObject({ service: Service.optional(), ...PageQuery }),
    answer: pageOf(DeadLetterView),
  }),
  replayDeadLetter: defineCommand({
    command: 'dead-letter.replay',
    path: '/api/v1/dead-letters/{service}/{id}/replay',
    summary: 'Handle it again',
    params: letter,
  }),
  discardDeadLetter: defineCommand({
    command: 'dead-letter.discard',
    path: '/api/v1/dead-letters/{service}/{id}/discard',
    summary: 'Give it up',
    params: letter,
  }),
  status: defineRoute({
    method: 'GET',
    path: '/api/v1/status',
    summary: 'How the installation is: what doctor reads',
    permission: 'signed-in',
    answer: z.object({
      version: z.string(),
      journal: z.object({ events: z.int(), newest: Time.nullable() }),
      /** `owes`: something was said that it must have answered by now. */
      services: z.array(z.object({ service: Service, lastHeard: Time.nullable(), owes: z.boolean().default(true) })),
      stuck: z.array(
        z.object({
          release: Id,
          name: z.string().default(''),
          state: z.string(),
          since: Time,
          waitsFor: z.string().default(''),
          /** What is in its way, of the newest of them: a dead letter, an event put aside, an answer that does not come; or who is at work. */
          why: z.array(z.object({ code: z.string(), service: Service, since: Time, message: z.string(), mend: z.string() })).default([]),
        }),
      ),
      warnings: z.array(z.object({ code: z.string(), message: z.string(), mend: z.string() })),
    }),
  }),
};
