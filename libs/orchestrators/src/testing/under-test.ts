import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Deployment, EnvironmentRef } from '../deployment.js';
import type { Orchestrator } from '../port.js';
import { acting } from './driving.js';
import type { Behaviour } from './sample-images.js';

/** What a driver brings to the kit. */
export interface OrchestratorUnderTest {
  /** As another process would connect to the same target after a crash: nothing in memory, the same place otherwise. */
  connect(): Orchestrator;
  environment(): EnvironmentRef;
  image(version: string, behaviour?: Behaviour): Promise<{ image: string; digest: string }>;
  missingImage(): { image: string; digest: string };
  /** Ends one instance as a crash would, so that only the target or a later look brings it back. */
  crash(instance: string): Promise<void>;
  /** What exists for the environment on the target, by name: containers, networks, images, files. */
  leftovers(environment: EnvironmentRef, images: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

export const health = { http: '/healthz', everyMs: 500, timeoutMs: 500, graceMs: 2000 };
/** What the kit deploys. */
export const app = { port: 8080, cpus: 0.5, memoryBytes: 128 * 1024 * 1024, drainMs: 3000, stableMs: 200, health };

type Version = 'v1' | 'v2';

/** One target for the tests of a `describe`: made before the first, every environment removed after each, closed after the last. */
export function underTest(make: () => Promise<OrchestratorUnderTest>) {
  const parts: { target?: OrchestratorUnderTest; images: Partial<Record<Version, { image: string; digest: string }>> } = { images: {} };
  const target = (): OrchestratorUnderTest => {
    if (parts.target === undefined) throw new Error('the target is made before the first test');
    return parts.target;
  };
  const good = (version: Version) => {
    const image = parts.images[version];
    if (image === undefined) throw new Error('the images are made before the first test');
    return image;
  };
  let used: EnvironmentRef[] = [];
  beforeAll(async () => {
    parts.target = await make();
    const [v1, v2] = await Promise.all([target().image('v1'), target().image('v2')]);
    parts.images = { v1, v2 };
  });
  afterEach(async () => {
    await Promise.all(used.map((environment) => target().connect().remove(environment, acting())));
    used = [];
  });
  afterAll(async () => await target().close());
  const somewhere = (): EnvironmentRef => {
    const environment = target().environment();
    used.push(environment);
    return environment;
  };
  const of = (environment: EnvironmentRef, version: Version, instances = 2): Deployment => {
    return { environment, release: `release-${version}`, attempt: 1, ...good(version), instances, app };
  };
  return { target, good, somewhere, of };
}
