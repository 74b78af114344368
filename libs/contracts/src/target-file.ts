import { z } from 'zod';
import { Name } from './nouns.js';

/** A key of the design that no service acts on yet: refused by name, never ignored. */
const later = (what: string) => z.undefined({ error: `${what} is not supported yet: remove it` }).optional();

/** A Docker host: which engine, and where what runs on it answers. */
export const DockerTarget = z.strictObject({
  /** `unix:///var/run/docker.sock` or `tcp://…`; the service's own DOCKER_HOST when absent. */
  host: z
    .string()
    .regex(/^(unix|tcp):\/\//, 'start with unix:// or tcp://')
    .optional(),
  /** The address the stable ports answer on. */
  address: z.string().default('127.0.0.1'),
  /** The range stable ports are taken from, both ends included. */
  ports: z
    .string()
    .regex(/^\d{2,5}-\d{2,5}$/, 'write two ports and a dash, like 20000-20999')
    .default('20000-20999'),
  credentials: later('docker.credentials'),
});
export type DockerTarget = z.infer<typeof DockerTarget>;

/** `docker` is asked for only where no other kind of target is refused by name: whoever wants another kind needs no Docker host. */
const TargetSpec = z
  .strictObject({
    docker: DockerTarget.optional(),
    namespace: Name.default('default'),
    swarm: later('a swarm target'),
    kubernetes: later('a kubernetes target'),
    marathon: later('a marathon target'),
    group: later('group'),
    credentials: later('credentials'),
    chronos: later('chronos'),
    mesosDns: later('mesosDns'),
  })
  .meta({ required: ['docker'] })
  .transform(({ docker, ...spec }, context) => {
    if (docker) return { docker, ...spec };
    context.issues.push({
      code: 'custom',
      path: ['docker'],
      input: docker,
      message: 'is missing: say which Docker host; docker: {} is the own one',
    });
    return z.NEVER;
  });

/** A place that runs containers (design part 5), applied by operators. */
export const TargetFile = z.strictObject({
  apiVersion: z.literal('slipway.dev/v1'),
  kind: z.literal('Target'),
  metadata: z.strictObject({ name: Name, description: z.string().max(1000).optional() }),
  spec: TargetSpec,
});
export type TargetFile = z.infer<typeof TargetFile>;
