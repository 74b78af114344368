import { z } from 'zod';
import { inBytes, MemorySize, ShortDuration } from './duration.js';

/** The name of a secret: a file `<project>/<name>` under SLIPWAY_SECRETS_DIR of the service that uses it. */
export const SecretName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/, 'name a secret with lower-case letters, digits, dots and dashes');
const EnvVars = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a name of an environment variable'), z.string().max(32_768));

const healthShape = { http: z.string().startsWith('/').max(400), every: ShortDuration, timeout: ShortDuration, grace: ShortDuration };
export const Health = z.strictObject({
  http: healthShape.http.default('/'),
  every: healthShape.every.default('2s'),
  timeout: healthShape.timeout.default('1s'),
  grace: healthShape.grace.default('30s'),
});

/** Docker takes no limit below 6 MiB, and none at all for as much memory as there is. */
const MemoryLimit = MemorySize.refine((text) => !MemorySize.safeParse(text).success || isLimit(inBytes(text)), {
  error: 'give at least 6Mi, and 65536Gi at most',
});

function isLimit(bytes: number): boolean {
  return bytes >= 6 * 1024 ** 2 && bytes <= 64 * 1024 ** 4;
}

const appShape = {
  port: z.int().min(1).max(65_535),
  instances: z.int().min(0).max(500),
  cpus: z.number().min(0.01, 'give a hundredth of a processor at least').max(256),
  memory: MemoryLimit,
  env: EnvVars,
  secrets: z.array(SecretName).max(50),
  drain: ShortDuration,
  stable: ShortDuration,
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
