import { Readable as NodeReadable, type Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { BuildFailed, Conflict, EngineError, NotFound, Refused, saysTransient, Unavailable } from './errors.js';
import { jsonLines, LineCutter } from './log-stream.js';
import { StepWatch } from './step-watch.js';
import { Passed, segment, sort, type Transport, within } from './transport.js';
import type { Labels, RegistryAuth } from './types.js';

/** What a build may use. What the classic builder can't limit itself (processes, disk) each step is held to while it runs. */
export interface BuildLimits {
  readonly memoryBytes?: number;
  /** Cores, fractions allowed. */
  readonly cpus?: number;
  /** Parent cgroup of the build's containers, where an operator has set limits for all of them together. */
  readonly cgroupParent?: string;
  /** Processes and threads that one step may have at once; beyond them it can begin none, and having nearly all ends the build with `LimitExceeded`. */
  readonly pids?: number;
  /** Size of /dev/shm in bytes. */
  readonly shmBytes?: number;
  /** What one step may write to disk, in bytes; looked at every few seconds. More ends the build with `LimitExceeded`. */
  readonly diskBytes?: number;
}

export interface BuildRequest {
  /**
   * The context as a tar stream, already filtered (see `prepareContext`); as a function that opens it where it can be sent twice, which
   * makes labels cheap: the builder makes a step of each of them, and then needs only one for all.
   */
  readonly context: Readable | (() => Readable);
  /** Path inside the context; default `Dockerfile`. */
  readonly dockerfile?: string;
  /** `repository:tag` to give the image. */
  readonly tag: string;
  readonly labels?: Labels;
  readonly args?: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly limits?: BuildLimits;
  /** Network of the RUN steps: `bridge`, `none`, or the name of one made for builds. */
  readonly networkMode?: string;
  readonly pull?: boolean;
  readonly noCache?: boolean;
  readonly platform?: string;
  /** Credentials for base images, each for its own registry. Only these are used, never the daemon's own. */
  readonly registries?: readonly RegistryAuth[];
  /** Each line as it comes, at most 8 KiB long; a longer one comes in pieces. Throwing here ends the build with that error. */
  readonly onLog?: (line: string) => void;
  /** What is to be said about the build that the builder does not: a step that its log names and that is held to no limit. */
  readonly onNote?: (line: string) => void;
  /** Each image that the engine did not have and pulled to build on, as the Dockerfile names it; no step can say so. */
  readonly onPulled?: (reference: string) => void;
  readonly signal?: AbortSignal;
  /** For the whole build; default one hour. */
  readonly timeoutMs?: number;
}

interface BuildMessage {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  error?: string;
  errorDetail?: { code?: number; message?: string };
  aux?: { ID?: string };
}

const defaultLimitMs = 60 * 60_000;
/** Microseconds; the kernel's default period. */
const cpuPeriod = 100_000;
/** No limit for the headers: the builder sends them with its first output, and the build's own limit covers the wait. */
const longest = 2 ** 31 - 1;
const pulledLine = /^Status: Downloaded newer image for (\S+)$/;
const stepLine = /^Step \d+\/\d+ : /;

/**
 * Builds an image with the classic builder, which every engine since 1.12 has and whose intermediate containers end when the request
 * is closed. Throws `BuildFailed` (the Dockerfile said no), `TimedOut`, `Cancelled`, `Unavailable`, or what `onLog` or the context threw.
 */
export async function buildImage(transport: Transport, request: BuildRequest): Promise<{ imageId: string }> {
  const timeoutMs = request.timeoutMs ?? defaultLimitMs;
  const { context, labels = {} } = request;
  return await within(`build ${request.tag}`, timeoutMs, request.signal, async (signal) => {
    const build = (stream: Readable, how: Partial<BuildRequest>) => buildOnce(transport, { ...request, ...how, context: stream, signal });
    if (typeof context !== 'function') return await build(context, {});
    if (Object.keys(labels).length < 2) return await build(context(), {});
    const { imageId } = await build(context(), { labels: {} });
    // What is built on an image with ONBUILD runs that: the labels must go into its own build then, whose steps are all in the cache.
    if (await hasTriggers(transport, imageId, signal)) return await build(context(), {});
    return await label(imageId, labels, build);
  });
}

async function hasTriggers(transport: Transport, imageId: string, signal: AbortSignal): Promise<boolean> {
  const call = { what: `inspect image ${imageId}`, method: 'GET' as const, path: `/images/${segment(imageId)}/json`, signal };
  const { Config } = await transport.json<{ Config?: { OnBuild?: string[] | null } | null }>(call);
  return (Config?.OnBuild ?? []).length > 0;
}

/** Gives an image all its labels by one step on top of it. */
async function label(
  imageId: string,
  labels: Labels,
  build: (context: Readable, how: Partial<BuildRequest>) => Promise<{ imageId: string }>,
): Promise<{ imageId: string }> {
  const dockerfile = `FROM ${imageId.replace(/^sha256:/, '')}\nLABEL ${Object.entries(labels)
    .map(([name, value]) => `${quoted(name)}=${quoted(value)}`)
    .join(' ')}\n`;
  const context = pack();
  context.entry({ name: 'Dockerfile' }, dockerfile);
  context.finalize();
  const how = { dockerfile: 'Dockerfile', labels: {}, args: {}, target: undefined, pull: false, noCache: false, onLog: undefined };
  try {
    return await build(NodeReadable.from(context, { objectMode: false }), how);
  } catch (error) {
    // Not the Dockerfile's fault: the image went away from under us.
    throw error instanceof BuildFailed ? new Unavailable(`label ${imageId}: ${error.message}`, undefined, { cause: error }) : error;
  }
}

/** A word of a Dockerfile in quotes, nothing in it read as a variable, an escape or an end of line. */
function quoted(word: string): string {
  return `"${word.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\"$]/g, '\\$&')}"`;
}

async function buildOnce(transport: Transport, request: BuildRequest & { context: Readable }): Promise<{ imageId: string }> {
  const what = `build ${request.tag}`;
  const { context, signal } = request;
  let ours: unknown;
  const keep = (error: unknown): void => {
    ours ??= error;
  };
  context.once('error', keep);
  try {
    const headers = { 'X-Registry-Config': registryConfig(request.registries) };
    const body = await transport.stream({
      what,
      method: 'POST',
      path: '/build',
      query: toQuery(request),
      headers,
      upload: context,
      signal,
      timeoutMs: longest,
    });
    const steps = new StepWatch(transport, request, (exceeded) => {
      keep(exceeded);
      body.destroy(exceeded);
    });
    const onLog = guarded(request.onLog, keep);
    try {
      const hear = (line: string): void => {
        steps.hear(line);
        onLog(line);
      };
      return await follow(what, body, hear, request.onPulled);
    } finally {
      steps.stop();
      body.destroy();
    }
  } catch (error) {
    if (signal?.aborted) throw error;
    if (ours !== undefined) throw new Passed(ours);
    const problem = sort({ what }, error);
    // Before the first step the builder says no by status: the Dockerfile did not parse, a target is unknown.
    const refused = problem instanceof Refused || problem instanceof NotFound || problem instanceof Conflict;
    throw refused ? new BuildFailed(problem.message, undefined, undefined) : problem;
  } finally {
    context.destroy();
  }
}

function guarded(onLog: BuildRequest['onLog'], keep: (error: unknown) => void): (line: string) => void {
  return (line) => {
    try {
      onLog?.(line);
    } catch (error) {
      keep(error);
      throw error;
    }
  };
}

async function follow(
  what: string,
  body: Readable,
  onLog: (line: string) => void,
  onPulled: BuildRequest['onPulled'],
): Promise<{ imageId: string }> {
  let imageId: string | undefined;
  let step: string | undefined;
  const lines = new LineCutter((line) => {
    if (stepLine.test(line)) step = line.trim();
    onLog(line);
  });
  for await (const message of jsonLines<BuildMessage>(body)) {
    if (message.stream !== undefined) lines.write(message.stream);
    // Progress of pulled base layers would flood the log; what has happened is enough.
    if (message.status !== undefined && message.progress === undefined)
      lines.write(`${message.id ? `${message.id}: ` : ''}${message.status}\n`);
    const pulled = pulledLine.exec(message.status ?? '')?.[1];
    if (pulled !== undefined) onPulled?.(pulled);
    imageId = message.aux?.ID ?? imageId;
    const problem = message.errorDetail?.message ?? message.error;
    if (problem === undefined) continue;
    lines.end();
    throw judge(what, problem, step, message.errorDetail?.code);
  }
  lines.end();
  if (imageId === undefined) throw new Unavailable(`${what}: the connection ended before the build did`);
  return { imageId };
}

/** A command's exit code is the Dockerfile's own no; a base image's registry that is away is not. */
function judge(what: string, problem: string, step: string | undefined, code: number | undefined): EngineError {
  if (!code && saysTransient(problem)) return new Unavailable(`${what}: ${problem}`);
  return new BuildFailed(problem, step, code || undefined);
}

function toQuery(request: BuildRequest): Record<string, unknown> {
  const { limits } = request;
  return {
    t: request.tag,
    dockerfile: request.dockerfile,
    labels: request.labels,
    buildargs: request.args,
    target: request.target,
    platform: request.platform,
    networkmode: request.networkMode,
    pull: request.pull ? true : undefined,
    nocache: request.noCache ? true : undefined,
    rm: true,
    forcerm: true,
    memory: limits?.memoryBytes,
    memswap: limits?.memoryBytes,
    cpuperiod: limits?.cpus === undefined ? undefined : cpuPeriod,
    cpuquota: limits?.cpus === undefined ? undefined : Math.round(limits.cpus * cpuPeriod),
    cgroupparent: limits?.cgroupParent,
    shmsize: limits?.shmBytes,
  };
}

function registryConfig(registries: readonly RegistryAuth[] = []): string {
  const byServer = registries.map((auth) => [
    auth.serverAddress,
    { username: auth.username, password: auth.password, identitytoken: auth.identityToken },
  ]);
  return Buffer.from(JSON.stringify(Object.fromEntries(byServer)))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
