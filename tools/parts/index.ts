import type { Cleanup } from './cleanup.ts';
import type { DataDir } from './data-dir.ts';
import { startDocker } from './docker.ts';
import { startKafka } from './kafka.ts';
import type { Part } from './part.ts';
import { startPostgres } from './postgres.ts';
import { startRegistry } from './registry.ts';

/** How parts that have to be started are run. */
export interface PartsWish {
  dataDir: DataDir;
  /** False where a power cut may lose data: tests and the demo. */
  durable: boolean;
  /** Further settings of our own Postgres, each `name=value`. */
  postgresSettings?: readonly string[];
  dockerKind: 'apart' | 'machine';
  kafkaHeapMiB: number;
  /** Each part that was started is given back here. */
  cleanup: Cleanup;
  /** Told when a part is up, with the seconds it took. */
  onUp?: (part: Part, seconds: number) => void;
}

/** The four parts Slipway stands on, and the environment variables that name them. */
export interface Parts {
  postgres: Part;
  kafka: Part;
  registry: Part;
  docker: Part;
  env: Record<'DATABASE_URL' | 'KAFKA_BROKERS' | 'SLIPWAY_REGISTRY' | 'DOCKER_HOST', string>;
}

/**
 * Finds or starts all four at once. When one fails the others are still waited for, so that `cleanup` knows everything that runs; then the first
 * failure is thrown.
 */
export async function startParts(wish: PartsWish): Promise<Parts> {
  const { dataDir, cleanup } = wish;
  const begun = performance.now();
  const up = async (starting: Promise<Part>): Promise<Part> => {
    const part = await starting;
    if (part.ours) cleanup.defer(`stop ${part.name}`, () => part.stop(), 60_000);
    wish.onUp?.(part, (performance.now() - begun) / 1000);
    return part;
  };
  // Docker first: registry and Kafka may have to come as images.
  const docker = await up(startDocker(dataDir, { kind: wish.dockerKind }));
  process.env['DOCKER_HOST'] = docker.url;
  const starting = [
    up(startPostgres(dataDir, { durable: wish.durable, ...(wish.postgresSettings && { settings: wish.postgresSettings }) })),
    up(startKafka(dataDir, { heapMiB: wish.kafkaHeapMiB })),
    up(startRegistry(dataDir)),
  ] as const;
  await Promise.allSettled(starting);
  const [postgres, kafka, registry] = await Promise.all(starting);
  return {
    postgres,
    kafka,
    registry,
    docker,
    env: { DATABASE_URL: postgres.url, KAFKA_BROKERS: kafka.url, SLIPWAY_REGISTRY: registry.url, DOCKER_HOST: docker.url },
  };
}
