import { Cleanup } from '../../tools/parts/cleanup.ts';
import { temporaryDataDir } from '../../tools/parts/data-dir.ts';
import { startDocker } from '../../tools/parts/docker.ts';

/** Every other part the demo and `npm start` bring up themselves; a Docker Engine they find, so that it can be asked afterwards what they left in it. */
export default async function setup(): Promise<() => Promise<void>> {
  const cleanup = new Cleanup();
  const dataDir = await temporaryDataDir('test');
  cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close(), 60_000);
  const docker = await startDocker(dataDir, { kind: 'apart' });
  cleanup.defer('stop docker', () => docker.stop(), 60_000);
  process.env['DOCKER_HOST'] = docker.url;
  for (const name of ['DATABASE_URL', 'KAFKA_BROKERS', 'SLIPWAY_REGISTRY']) delete process.env[name];
  return async () => {
    const failed = await cleanup.run();
    if (failed.length > 0) throw new Error(`left behind after the tests: ${failed.join('; ')}`);
  };
}
