import { Duration, inBytes, inSeconds, MemorySize } from '@slipway/contracts';
import { z } from 'zod';

/** Of builds alone, and not even they see each other in it. */
export const usualBuildNetwork = 'slipway-builds';

const names = z
  .string()
  .default('')
  .transform((list) =>
    list
      .split(',')
      .map((host) => host.trim())
      .filter((host) => host !== ''),
  );
const size = (usual: string) => z.string().default(usual).pipe(MemorySize).transform(inBytes);

/** The settings of image-builder besides those every service has. */
export const ImageBuilderConfig = z.object({
  DOCKER_HOST: z
    .string()
    .min(1)
    .optional()
    .describe('Docker Engine that builds: unix:///path, tcp://host:port or https://host:port')
    .meta({ example: 'unix:///var/run/docker.sock' }),
  DOCKER_CERT_PATH: z.string().min(1).optional().describe('Folder with ca.pem, cert.pem and key.pem for a Docker Engine behind TLS'),
  SLIPWAY_REGISTRIES_FILE: z
    .string()
    .min(1)
    .optional()
    .describe("Credentials of registries, as in Docker's config.json. Default: registries.json in SLIPWAY_SECRETS_DIR, where it is there"),
  SLIPWAY_INSECURE_REGISTRIES: names.describe('Registries that speak plain http, host:port separated by commas; localhost always may'),
  SLIPWAY_BUILD_BASE_REGISTRIES: names.describe('Registries whose credentials any build may use to pull base images; none by default'),
  SLIPWAY_BUILD_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(2).describe('Builds at a time in one process'),
  SLIPWAY_BUILD_TIMEOUT: Duration.default('1h')
    .transform(inSeconds)
    .describe('The longest any build may take, whatever a project asks for'),
  SLIPWAY_BUILD_MEMORY: size('2Gi').describe('Memory of a build step'),
  SLIPWAY_BUILD_CPUS: z.coerce.number().positive().max(1024).optional().describe('Cores of a build step; all by default'),
  SLIPWAY_BUILD_CGROUP_PARENT: z
    .string()
    .min(1)
    .optional()
    .describe('Parent cgroup of build steps, where an operator has set limits for all of them together'),
  SLIPWAY_BUILD_PIDS: z.coerce
    .number()
    .int()
    .min(16)
    .max(1_000_000)
    .default(4096)
    .describe('Processes and threads of a build step; one that comes near it ends its build'),
  SLIPWAY_BUILD_DISK: size('20Gi').describe('What one build step may write to disk, looked at every few seconds'),
  SLIPWAY_BUILD_NETWORK: z
    .string()
    .min(1)
    .refine((name) => name !== 'host' && !name.startsWith('container:'), {
      error: 'must not be that of the host or of a container: a build would reach all that listens there',
    })
    .default(usualBuildNetwork)
    .describe(`Network of RUN steps: ${usualBuildNetwork}, which is made where it is missing, none, or one made for builds`),
  SLIPWAY_BUILD_CONTEXT_BYTES: size('512Mi').describe('Largest build context, after .dockerignore').meta({ example: '512Mi' }),
  SLIPWAY_BUILD_LOG_BYTES: size('16Mi').describe('Longest build log').meta({ example: '16Mi' }),
  SLIPWAY_BUILD_KEEP: Duration.default('7d')
    .transform(inSeconds)
    .describe('How long built images, and all that have no name, stay at the Docker Engine that builds; built ones stay in the registry'),
  SLIPWAY_SOURCE_FILE_FOLDERS: names
    .pipe(z.array(z.string().startsWith('/', 'each folder is an absolute path')))
    .describe('Folders below which file:// sources are allowed, separated by commas; none by default'),
  SLIPWAY_SOURCE_CA_FILE: z.string().min(1).optional().describe('PEM file with certificates to trust when reading sources'),
});
