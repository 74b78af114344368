import { z } from 'zod';
import { Targets } from './targets.js';

/** The settings of a service that deploys to targets, beyond those of every service. */
export const TargetSettings = z.object({
  DOCKER_HOST: z
    .string()
    .optional()
    .describe('The Docker Engine of targets that name none')
    .meta({ example: 'unix:///var/run/docker.sock' }),
  SLIPWAY_INSTALLATION: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default('slipway')
    .describe('Keeps two installations on one Docker Engine apart'),
  SLIPWAY_PROXY_IMAGE: z.string().optional().describe('An HAProxy image for stable ports; made of the host’s own haproxy when unset'),
});
export type TargetSettings = z.infer<typeof TargetSettings>;

/** The targets that a service reaches with its settings. */
export function targetsOf(settings: TargetSettings & { readonly SLIPWAY_DATA_DIR: string }): Targets {
  return new Targets({
    dataDir: settings.SLIPWAY_DATA_DIR,
    dockerHost: settings.DOCKER_HOST,
    installation: settings.SLIPWAY_INSTALLATION,
    proxyImage: settings.SLIPWAY_PROXY_IMAGE,
  });
}
