import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { Cancelled, EngineError, fromStatus, TimedOut, Unavailable } from './errors.js';
import type { CallOptions } from './types.js';

/** One call to the engine's HTTP interface. */
export interface Call extends CallOptions {
  /** What is being done, for messages: `start container web`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  /** A tar stream to send instead of a JSON body. */
  readonly upload?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are no error besides 2xx. */
  readonly also?: readonly number[];
}

const successes = [200, 201, 202, 204, 101];

interface Modem {
  dial(
    options: Record<string, unknown>,
    callback: (error: (Error & { statusCode?: number; json?: unknown }) | null, answer: unknown) => void,
  ): void;
}

/**
 * The narrow way through which every call goes: one time limit, one signal, one sorting of errors. Uses dockerode's
 * connection handling, not its object wrappers, so that nothing of it shows outside.
 */
export class Transport {
  private readonly modem: Modem;

  /** `timeoutMs`: how long any call may take until its answer (for streams: until its headers). */
  constructor(
    options: Docker.DockerOptions,
    readonly timeoutMs: number,
  ) {
    this.modem = new Docker(options).modem as unknown as Modem;
  }

  /** Sends a call and parses the JSON answer; an empty answer gives `undefined`. */
  async json<T>(call: Call): Promise<T> {
    return (await this.send(call, false)) as T;
  }

  /**
   * Sends a call and gives the body as it comes. The time limit covers the wait for the headers only; `signal` ends the body too.
   * The caller must read it to its end or destroy it.
   */
  async stream(call: Call): Promise<IncomingMessage> {
    return (await this.send(call, true)) as IncomingMessage;
  }

  private async send(call: Call, isStream: boolean): Promise<unknown> {
    const timeoutMs = call.timeoutMs ?? this.timeoutMs;
    if (call.signal?.aborted) throw new Cancelled(`${call.what}: cancelled`);
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    const signal = call.signal ? AbortSignal.any([call.signal, limit.signal]) : limit.signal;
    try {
      return await this.dial(call, isStream, signal);
    } catch (error) {
      throw sort(call, error, limit.signal.aborted ? timeoutMs : undefined);
    } finally {
      clearTimeout(timer);
    }
  }

  private dial(call: Call, isStream: boolean, signal: AbortSignal): Promise<unknown> {
    const query = Object.fromEntries(Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined));
    const asked = Object.keys(query).length > 0;
    const statusCodes = Object.fromEntries([...successes, ...(call.also ?? [])].map((code) => [code, true]));
    return new Promise((resolve, reject) => {
      this.modem.dial(
        {
          path: asked ? `${call.path}?` : call.path,
          method: call.method,
          options: { _query: asked ? query : undefined, _body: call.body ?? {} },
          headers: { ...call.headers },
          file: call.upload,
          isStream,
          statusCodes,
          abortSignal: signal,
        },
        (error, answer) => {
          if (error) reject(error);
          else resolve(Buffer.isBuffer(answer) && answer.length === 0 ? undefined : answer);
        },
      );
    });
  }
}

/** Gives whatever a call failed with its place among our errors. */
export function sort(call: Pick<Call, 'what' | 'signal'>, error: unknown, timedOutAfterMs?: number): EngineError {
  if (error instanceof EngineError) return error;
  const problem = error as Error & { statusCode?: number; json?: { message?: string } | null; code?: string };
  if (problem.statusCode !== undefined) return fromStatus(call.what, problem.statusCode, problem.json?.message ?? problem.message);
  if (call.signal?.aborted) return new Cancelled(`${call.what}: cancelled`, undefined, { cause: error });
  if (timedOutAfterMs !== undefined)
    return new TimedOut(`${call.what}: no answer from the Docker Engine within ${timedOutAfterMs} ms`, undefined, { cause: error });
  return new Unavailable(`${call.what}: Docker Engine not reachable (${problem.code ?? problem.message})`, undefined, { cause: error });
}

/** Carries an error of the caller's own (thrown by its callback or its stream) past the sorting, as it was. */
export class Passed extends Error {
  constructor(readonly original: unknown) {
    super('an error of the caller', { cause: original });
  }
}

/** Runs several calls under one time limit; the signal given ends with the limit or with the caller's own. Throws `TimedOut`, `Cancelled`, or as sorted. */
export async function within<T>(
  what: string,
  timeoutMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  try {
    return await work(outer ? AbortSignal.any([outer, limit.signal]) : limit.signal);
  } catch (error) {
    if (outer?.aborted) throw new Cancelled(`${what}: cancelled`, undefined, { cause: error });
    if (error instanceof Passed) throw error.original;
    if (limit.signal.aborted) throw new TimedOut(`${what}: not finished after ${timeoutMs / 1000} s`, undefined, { cause: error });
    throw sort({ what }, error);
  } finally {
    clearTimeout(timer);
  }
}

/** An opaque part of a path, encoded; names with `/` (images) are let through as the engine wants them. */
export function segment(name: string): string {
  return encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%40', '@');
}

/** Label filters in the engine's notation. */
export function labelFilter(labels: Readonly<Record<string, string | true>> | undefined): string[] | undefined {
  return labels && Object.entries(labels).map(([name, value]) => (value === true ? name : `${name}=${value}`));
}
