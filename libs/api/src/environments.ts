import { type CommandKind, Id, ImageReference, Name, PersonReference, Release, Time } from '@slipway/contracts';
import { z } from 'zod';
import { defineCommand, Reasoned } from './commands.js';
import { defineRoute, largestInt } from './route.js';

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
  /** What differs from what was approved, and since when; null where nothing does. */
  drift: z
    .object({ since: Time, found: z.array(z.string()) })
    .nullable()
    .default(null),
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

const command = <Body extends z.ZodType>(kind: CommandKind, verb: string, summary: string, body: Body) =>
  defineCommand({ command: kind, path: `${path}/${verb}`, summary, params: which, body });

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
    'environment.scale',
    'scale',
    'Set the number of instances; null resets to the project file',
    Reasoned.extend({ instances: z.int().min(0).max(500).nullable() }),
  ),
  rollback: command(
    'environment.rollback',
    'rollback',
    'Bring back the last good release, or the one named',
    Reasoned.extend({ to: z.int().positive().max(largestInt).nullable().default(null) }),
  ),
  hold: command('environment.hold', 'hold', 'Keep a test environment as it is', Reasoned.extend({ until: Time.nullable().default(null) })),
  unhold: command('environment.unhold', 'unhold', 'Let a test environment change again', Reasoned),
  deploy: command('environment.deploy', 'deploy', 'Put a release back into a test environment', Reasoned.extend({ release: Id })),
};
