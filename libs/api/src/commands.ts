import { CommandAction, type CommandKind, Id, PersonReference, permissionFor, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineRoute, type Route } from './route.js';

/** Why: part of the record of every command. */
export const Reasoned = z.strictObject({ reason: z.string().min(1, 'say why: it is part of the record').max(4000) });

/** What became of a command; `pending` when its service has not answered within 5 s. A refusal is a problem with status 409. */
export const CommandAnswer = z.object({ command: Id, state: z.enum(['accepted', 'pending']), message: z.string() });

/** Declares a route that issues a command: who may issue it may call it, and what it takes for that is said in contracts alone. */
export function defineCommand<Params extends z.ZodType, Body extends z.ZodType = typeof Reasoned>(route: {
  command: CommandKind;
  path: `/api/v1/${string}`;
  summary: string;
  params: Params;
  body?: Body;
}): Route<Params, z.ZodObject<Record<never, never>, z.core.$strict>, Body, typeof CommandAnswer> {
  const { command, path, summary, params, body = Reasoned as z.ZodType as Body } = route;
  const declared = defineRoute({ method: 'POST', path, summary, permission: permissionFor[command], params, body, answer: CommandAnswer });
  return { ...declared, command };
}

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
