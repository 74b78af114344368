import { CommandAction, Id, PersonReference, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineRoute } from './route.js';

/** Why: part of the record of every command. */
export const Reasoned = z.strictObject({ reason: z.string().min(1, 'say why: it is part of the record').max(4000) });

/** What became of a command; `pending` when its service has not answered within 5 s. A refusal is a problem with status 409. */
export const CommandAnswer = z.object({ command: Id, state: z.enum(['accepted', 'pending']), message: z.string() });

export const CommandView = z.object({
  command: Id,
  action: CommandAction,
  person: PersonReference,
  reason: z.string(),
  state: z.enum(['pending', 'accepted', 'refused']),
  message: z.string().nullable(),
  issuedAt: Time,
  answeredAt: Time.nullable(),
});

export const commandRoutes = {
  getCommand: defineRoute({
    method: 'GET',
    path: '/api/v1/commands/{id}',
    summary: 'What became of a command',
    permission: 'signed-in',
    params: z.strictObject({ id: Id }),
    answer: CommandView,
  }),
};
