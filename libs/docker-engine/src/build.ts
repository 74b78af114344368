import type { Readable } from 'node:stream';
import { Cancelled, Conflict, EngineError, NotFound, Refused, saysTransient, TimedOut, Unavailable } from './errors.js';
import { jsonLines, LineCutter } from './log-stream.js';
import { sort, type Transport } from './transport.js';
import type { Labels, RegistryAuth } from './types.js';

/** What a build may use. What the classic builder can't limit itself (processes) comes from the parent cgroup. */
export interface BuildLimits {
  readonly memoryBytes?: number;
  /** Cores, fractions allowed. */
  readonly cpus?: number;
  /** Parent cgroup of the build's containers, where an operator has set `pids.max` and the like. */
  readonly cgroupParent?: string;
  /** Size of /dev/shm in bytes. */
  readonly shmBytes?: number;
}

export interface BuildRequest {
  /** The context as a tar stream, already filtered (see `prepareContext`). */
  readonly context: Readable;
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
  readonly signal?: AbortSignal;
  /** For the whole build; default one hour. */
  readonly timeoutMs?: number;
}

/** The Dockerfile, or a command in it, said no: building the same thing again will say no again. */
export class BuildFailed extends EngineError {
  readonly transient: boolean = false;

  constructor(
    message: string,
    /** The step that failed, as the builder words it (`Step 3/7 : RUN make`). */
    readonly step: string | undefined,
    /** Exit code of the failing command, where it was one. */
    readonly exitCode: number | undefined,
  ) {
    super(message);
  }
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
const stepLine = /^Step \d+\/\d+ : /;

/**
 * Builds an image with the classic builder, which every engine since 1.12 has and whose intermediate containers end when the request
 * is closed. Throws `BuildFailed` (the Dockerfile said no), `TimedOut`, `Cancelled`, `Unavailable`, or what `onLog` or the context threw.
 */
export async function buildImage(transport: Transport, request: BuildRequest): Promise<{ imageId: string }> {
  const what = `build ${request.tag}`;
  const timeoutMs = request.timeoutMs ?? defaultLimitMs;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const signal = request.signal ? AbortSignal.any([request.signal, limit.signal]) : limit.signal;
  let ours: unknown;
  const keep = (error: unknown): void => {
    ours ??= error;
  };
  request.context.once('error', keep);
  try {
    const headers = { 'X-Registry-Config': registryConfig(request.registries) };
    const call = {
      what,
      method: 'POST' as const,
      path: '/build',
      query: toQuery(request),
      headers,
      upload: request.context,
      signal,
      timeoutMs: longest,
    };
    const body = await transport.stream(call);
    try {
      return await follow(what, body, guarded(request.onLog, keep));
    } finally {
      body.destroy();
    }
  } catch (error) {
    if (request.signal?.aborted) throw new Cancelled(`${what}: cancelled`, undefined, { cause: error });
    if (limit.signal.aborted) throw new TimedOut(`${what}: not finished after ${timeoutMs / 1000} s`, undefined, { cause: error });
    if (ours !== undefined) throw ours;
    const problem = sort({ what }, error);
    // Before the first step the builder says no by status: the Dockerfile did not parse, a target is unknown.
    const refused = problem instanceof Refused || problem instanceof NotFound || problem instanceof Conflict;
    throw refused ? new BuildFailed(problem.message, undefined, undefined) : problem;
  } finally {
    clearTimeout(timer);
    request.context.destroy();
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

async function follow(what: string, body: Readable, onLog: (line: string) => void): Promise<{ imageId: string }> {
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
