import { Cancelled, type DockerEngine, EngineError, NotFound, Refused, type RegistryAuth } from '@slipway/docker-engine';
import type { Refusal } from '../observed.js';
import { TargetUnavailable } from '../port.js';

/** Credentials for a repository, when it needs any. */
export type AuthFor = (repository: string) => Promise<RegistryAuth | undefined> | RegistryAuth | undefined;

/** The image is on the host now, or why it never will be. Throws `TargetUnavailable`. */
export async function ensureImage(
  engine: DockerEngine,
  image: string,
  authFor: AuthFor | undefined,
  signal?: AbortSignal,
): Promise<Refusal | undefined> {
  const repository = image.split('@')[0] ?? image;
  if (!/^[^@\s]+@sha256:[0-9a-f]{64}$/.test(image))
    return { kind: 'invalid', reason: `${image} is no image by digest (repository@sha256:…)` };
  const call = signal === undefined ? {} : { signal };
  if ((await onTarget(() => engine.images.inspect(image, call))) !== undefined) return undefined;
  const auth = await authFor?.(repository);
  try {
    await engine.images.pull(image, { ...call, ...(auth && { auth }) });
    return undefined;
  } catch (error) {
    return await pullRefusal(engine, image, error);
  }
}

async function pullRefusal(engine: DockerEngine, image: string, error: unknown): Promise<Refusal> {
  if (!(error instanceof EngineError) || error instanceof Cancelled) throw error;
  if (/no space left on device/i.test(error.message))
    throw new TargetUnavailable('target', `no space left to pull ${image}`, { cause: error });
  if (error.transient) {
    // The same error says that the engine is away, or the registry behind it.
    await onTarget(() => engine.ping());
    throw new TargetUnavailable('registry', error.message, { cause: error });
  }
  if (error instanceof NotFound || /not found|manifest unknown|does not exist/i.test(error.message))
    return { kind: 'image-not-found', reason: error.message };
  if (error instanceof Refused && /unauthorized|denied|authentication/i.test(error.message))
    return { kind: 'image-unauthorised', reason: error.message };
  // Not known to stay so: a layer lost between two pulls, a registry that answers nonsense for a while. It is tried again, and said meanwhile.
  throw new TargetUnavailable('registry', error.message, { cause: error });
}

/** Runs a call to the engine; what may pass by itself becomes `TargetUnavailable`. */
export async function onTarget<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof EngineError && error.transient) throw new TargetUnavailable('target', error.message, { cause: error });
    throw error;
  }
}

/** Takes images away that nobody uses. Gives those that are still there, for a later try: somebody uses them, or the engine would not. */
export async function dropImages(engine: DockerEngine, images: readonly string[], signal: AbortSignal): Promise<string[]> {
  if (images.length === 0) return [];
  const used = new Set((await engine.containers.list({}, { signal })).map((container) => container.image));
  const left: string[] = [];
  for (const image of images) {
    try {
      if (used.has(image)) left.push(image);
      else await engine.images.remove(image, { signal });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      left.push(image);
    }
  }
  return left;
}
