import { z } from 'zod';
import { Name } from './nouns.js';

const later = (what: string) => z.undefined({ error: `a ${what} target is not supported yet` }).optional();

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
});
export type DockerTarget = z.infer<typeof DockerTarget>;

/** A place that runs containers (design part 5), applied by operators. */
export const TargetFile = z.strictObject({
  apiVersion: z.literal('slipway.dev/v1'),
  kind: z.literal('Target'),
  metadata: z.strictObject({ name: Name, description: z.string().max(1000).optional() }),
  spec: z.strictObject({
    docker: DockerTarget,
    namespace: Name.default('default'),
    swarm: later('swarm'),
    kubernetes: later('kubernetes'),
    marathon: later('marathon'),
  }),
});
export type TargetFile = z.infer<typeof TargetFile>;
