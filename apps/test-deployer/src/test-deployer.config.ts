import { z } from 'zod';

/** The settings of test-deployer beyond those of every service. */
export const TestDeployerConfig = z.object({
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
