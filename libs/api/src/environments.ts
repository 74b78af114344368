import { Id, ImageReference, Name, PersonReference, Release, Time } from '@slipway/contracts';
import { z } from 'zod';
import { CommandAnswer, Reasoned } from './commands.js';
import { defineRoute } from './route.js';

/** What an environment runs, as the events tell it. */
export const EnvironmentView = z.object({
  project: Name,
  environment: Name,
  stage: z.enum(['test', 'pre-release', 'production']),
  running: z.object({ release: Release, image: ImageReference, address: z.string(), since: Time }).nullable(),
  rolling: z.object({ release: Release, ready: z.int(), wanted: z.int() }).nullable(),
  instances: z.int().nullable(),
  scaledTo: z.int().nullable(),
  drifted: z.boolean(),
  held: z.object({ by: PersonReference, reason: z.string(), until: Time.nullable() }).nullable(),
  barred: z.array(z.int()),
  history: z.array(
    z.object({
      release: z.int(),
      digest: z.string(),
      at: Time,
      how: z.enum(['deployed', 'rolled-out', 'rolled-back']),
      by: z.string().nullable(),
      seconds: z.number(),
    }),
  ),
});

const which = z.strictObject({ project: Name, environment: Name });
const path = '/api/v1/projects/{project}/environments/{environment}';

const command = <Verb extends string, Body extends z.ZodType>(
  verb: Verb,
  summary: string,
  permission: 'environment.scale' | 'environment.rollback' | 'environment.hold',
  body: Body,
) => defineRoute({ method: 'POST', path: `${path}/${verb}`, summary, permission, params: which, body, answer: CommandAnswer });

export const environmentRoutes = {
  listEnvironments: defineRoute({
    method: 'GET',
    path: '/api/v1/projects/{project}/environments',
    summary: 'What runs where in a project',
    permission: 'release.read',
    params: z.strictObject({ project: Name }),
    answer: z.object({ items: z.array(EnvironmentView) }),
  }),
  getEnvironment: defineRoute({
    method: 'GET',
    path,
    summary: 'What runs in an environment',
    permission: 'release.read',
    params: which,
    answer: EnvironmentView,
  }),
  scale: command(
    'scale',
    'Set the number of instances; null resets to the project file',
    'environment.scale',
    Reasoned.extend({ instances: z.int().min(0).max(500).nullable() }),
  ),
  rollback: command(
    'rollback',
    'Bring back the last good release, or the one named',
    'environment.rollback',
    Reasoned.extend({ to: z.int().positive().nullable().default(null) }),
  ),
  hold: command('hold', 'Keep a test environment as it is', 'environment.hold', Reasoned.extend({ until: Time.nullable().default(null) })),
  unhold: command('unhold', 'Let a test environment change again', 'environment.hold', Reasoned),
  deploy: command('deploy', 'Put a release back into a test environment', 'environment.hold', Reasoned.extend({ release: Id })),
};
