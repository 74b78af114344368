import type { TestProject } from 'vitest/node';
import { Cleanup } from '../tools/parts/cleanup.ts';
import { temporaryDataDir } from '../tools/parts/data-dir.ts';
import { startParts } from '../tools/parts/index.ts';

/** Specs that touch nothing outside their own process, by name and place (design part 8). */
const pure = /(^|\/)(apps|libs|tools|test\/architecture)\/(?!.*\.(int|long)\.spec\.ts$).*\.spec\.ts$/;

/**
 * Gives the tests their real parts, once per run: those that the environment names (DATABASE_URL, KAFKA_BROKERS, SLIPWAY_REGISTRY, DOCKER_HOST) are used
 * as they are, the others are started and stopped again. Nothing is started where only pure specs were chosen. Workers find them by the same variables.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Not part of vitest's types; undefined (on another version, too) stands for every spec.
  const { filenamePattern } = project.vitest as { filenamePattern?: string[] };
  const { testFiles } = await project.globTestFiles(filenamePattern);
  if (testFiles.every((file) => pure.test(file))) return async () => {};
  const cleanup = new Cleanup();
  const dataDir = await temporaryDataDir('test');
  cleanup.defer(`remove ${dataDir.path}`, () => dataDir.close());
  const stop = async (): Promise<void> => {
    const failed = await cleanup.run();
    if (failed.length > 0) throw new Error(`left behind after the tests: ${failed.join('; ')}`);
  };
  process.env['SLIPWAY_TEST_DIR'] = dataDir.path;
  try {
    const { env } = await startParts({ dataDir, durable: false, dockerKind: 'apart', kafkaHeapMiB: 384, cleanup });
    Object.assign(process.env, env);
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
