import { z } from 'zod';
import { MemorySize, WrittenDuration } from './duration.js';

/** The name of a secret: a file `<project>/<name>` under SLIPWAY_SECRETS_DIR of the service that uses it. */
export const SecretName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/, 'name a secret with lower-case letters, digits, dots and dashes');
const EnvVars = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a name of an environment variable'), z.string().max(32_768));

const healthShape = { http: z.string().startsWith('/').max(400), every: WrittenDuration, timeout: WrittenDuration, grace: WrittenDuration };
export const Health = z.strictObject({
  http: healthShape.http.default('/'),
  every: healthShape.every.default('2s'),
  timeout: healthShape.timeout.default('1s'),
  grace: healthShape.grace.default('30s'),
});

const appShape = {
  port: z.int().min(1).max(65_535),
  instances: z.int().min(0).max(500),
  cpus: z.number().positive().max(256),
  memory: MemorySize,
  env: EnvVars,
  secrets: z.array(SecretName).max(50),
  drain: WrittenDuration,
  stable: WrittenDuration,
};
/** What an environment runs, every value given. */
export const App = z.strictObject({
  ...appShape,
  port: appShape.port.default(8080),
  instances: appShape.instances.default(1),
  cpus: appShape.cpus.default(0.5),
  memory: appShape.memory.default('256Mi'),
  env: appShape.env.default({}),
  secrets: appShape.secrets.default([]),
  drain: appShape.drain.default('10s'),
  stable: appShape.stable.default('5s'),
  health: Health.prefault({}),
});
export type App = z.infer<typeof App>;

/** What an environment, or the repository's own file, changes of it. */
export const AppOverride = z.strictObject({ ...appShape, health: z.strictObject(healthShape).partial() }).partial();
export type AppOverride = z.infer<typeof AppOverride>;
