/** The real parts tests run against, as the environment or the test run's global set-up gives them. */
export interface RealParts {
  readonly kafkaBrokers: readonly string[];
  /** May create databases and roles. */
  readonly databaseUrl: string;
  /** host:port, plain HTTP. */
  readonly registry: string;
  /** As DOCKER_HOST has it; undefined where the engine is at its usual socket. */
  readonly dockerHost: string | undefined;
  /** The path of the engine's unix socket, to put something in front of it. */
  readonly dockerSocket: string;
}

/** Reads them. Each is read when it is asked for, so a test needs only those it uses. @throws Error naming the variable that is missing. */
export function realParts(): RealParts {
  return {
    get kafkaBrokers() {
      return wanted('KAFKA_BROKERS').split(',');
    },
    get databaseUrl() {
      return wanted('DATABASE_URL');
    },
    get registry() {
      return wanted('SLIPWAY_REGISTRY');
    },
    get dockerHost() {
      return process.env['DOCKER_HOST'] || undefined;
    },
    get dockerSocket() {
      return (process.env['DOCKER_HOST'] || 'unix:///var/run/docker.sock').replace('unix://', '');
    },
  };
}

function wanted(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with vitest's global set-up, or point it at a real one`);
  return value;
}
