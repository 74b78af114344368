import { setTimeout as delay } from 'node:timers/promises';
import { basic, parseChallenge, type RegistryCredentials, Tokens } from './auth.js';
import { RegistryCancelled, RegistryError, RegistryRefused, RegistryUnavailable, RegistryUntrusted } from './errors.js';

export interface RegistryOptions {
  /** `host` or `host:port`, as in an image name. */
  readonly host: string;
  /** Plain http; only for registries inside one's own network. Default: true for localhost, as Docker does. */
  readonly insecure?: boolean;
  readonly credentials?: RegistryCredentials;
  /** Time for one request, in ms; default 20 s. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** One request to the registry. */
export interface Call extends CallOptions {
  readonly what: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Path from the registry's root, or a whole URL the registry gave. */
  readonly path: string;
  readonly scope: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses the caller deals with, besides 2xx. */
  readonly also?: readonly number[];
}

/** Manifests and indexes are at most 4 MiB by the specification's advice. */
const maxBodyBytes = 4 * 1024 * 1024;
const maxTries = 4;
const longestPauseMs = 10_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Requests to one registry: time limit, credentials, 429, and the sorting of what went wrong. */
export class RegistryHttp {
  private readonly tokens = new Tokens();
  private readonly base: string;
  private readonly insecure: boolean;
  private basicWanted = false;

  constructor(private readonly options: RegistryOptions) {
    this.insecure = options.insecure ?? /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(options.host);
    this.base = `${this.insecure ? 'http' : 'https'}://${options.host}`;
    if (!URL.canParse(this.base) || new URL(this.base).pathname !== '/')
      throw new RegistryRefused(`registry host ${JSON.stringify(options.host)} must be host or host:port`);
  }

  /** Sends one request; tries again where the registry asks for a token, asks for patience (429) or is briefly unwell (5xx, connection). */
  async send(call: Call): Promise<Answer> {
    let askedForToken = false;
    for (let attempt = 1; ; attempt++) {
      const answer = await this.attempt(call).catch(async (error: unknown) => {
        if (!(error instanceof RegistryUnavailable) || attempt >= maxTries) throw error;
        await this.pause(call, 200 * 2 ** attempt * (0.5 + Math.random() / 2));
        return undefined;
      });
      if (answer === undefined) continue;
      if (answer.status === 401 && !askedForToken) {
        askedForToken = true;
        await this.meet(call, answer);
        continue;
      }
      if ((answer.status === 429 || answer.status >= 500) && attempt < maxTries) {
        await this.pause(call, pauseMs(answer, attempt));
        continue;
      }
      return accepted(call, answer);
    }
  }

  private async attempt(call: Call): Promise<Answer> {
    const url = new URL(call.path, this.base);
    const own = url.origin === this.base;
    const response = await this.fetch(call, url, { ...call.headers, ...(own ? this.authorization(call.scope) : {}) });
    return { status: response.status, headers: response.headers, body: await readBounded(call, response) };
  }

  private authorization(scope: string): Record<string, string> {
    const token = this.tokens.get(scope);
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    return this.basicWanted && this.options.credentials ? { authorization: basic(this.options.credentials) } : {};
  }

  /** Does what a 401 asks for; throws when that can't be done. */
  private async meet(call: Call, answer: Answer): Promise<void> {
    const challenge = parseChallenge(answer.headers.get('www-authenticate'));
    this.tokens.drop(call.scope);
    if (challenge?.scheme === 'bearer') {
      const send = (url: URL, headers: Record<string, string>): Promise<Response> =>
        this.fetch({ ...call, method: 'GET', body: undefined }, url, headers);
      await this.tokens.fetch(challenge, call.scope, { credentials: this.options.credentials, insecure: this.insecure, send });
    } else if (challenge?.scheme === 'basic' && this.options.credentials && !this.basicWanted) {
      this.basicWanted = true;
    } else {
      throw new RegistryRefused(
        `${call.what}: ${this.options.host} wants credentials${this.options.credentials ? ' and refuses those it was given' : ''}`,
        401,
      );
    }
  }

  private async fetch(call: Call, url: URL, headers: Record<string, string>): Promise<Response> {
    const limit = AbortSignal.timeout(this.options.timeoutMs ?? 20_000);
    const signal = call.signal ? AbortSignal.any([call.signal, limit]) : limit;
    try {
      // Credentials must not follow a redirect; nothing we ask for is redirected by registries that follow the specification.
      return await fetch(url, {
        method: call.method,
        headers,
        body: call.body as Uint8Array<ArrayBuffer> | undefined,
        signal,
        redirect: 'error',
      });
    } catch (cause) {
      throw sort(call, cause, this.options.host);
    }
  }

  private async pause(call: Call, ms: number): Promise<void> {
    await delay(ms, undefined, { signal: call.signal }).catch((cause: unknown) => {
      throw new RegistryCancelled(`${call.what}: cancelled`, undefined, { cause });
    });
  }
}

function sort(call: Call, cause: unknown, host: string): RegistryError {
  if (cause instanceof RegistryError) return cause;
  if (call.signal?.aborted) return new RegistryCancelled(`${call.what}: cancelled`, undefined, { cause });
  const problem = cause as Error & { cause?: { code?: string; message?: string } };
  const why = problem.name === 'TimeoutError' ? 'no answer in time' : (problem.cause?.code ?? problem.cause?.message ?? problem.message);
  return new RegistryUnavailable(`${call.what}: registry ${host} not reachable (${why})`, undefined, { cause });
}

/** How long to wait before asking again: what `Retry-After` says (seconds or a date), else growing. */
function pauseMs(answer: Answer, attempt: number): number {
  const said = answer.headers.get('retry-after');
  const asked = said === null ? Number.NaN : /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - Date.now();
  const wanted = Number.isFinite(asked) ? Math.max(0, asked) : 200 * 2 ** attempt * (0.5 + Math.random() / 2);
  return Math.min(wanted, longestPauseMs);
}

function accepted(call: Call, answer: Answer): Answer {
  if ((answer.status >= 200 && answer.status < 300) || call.also?.includes(answer.status)) return answer;
  const message = `${call.what}: ${problemOf(answer)}`;
  if (answer.status === 429 || answer.status >= 500) throw new RegistryUnavailable(message, answer.status);
  throw new RegistryRefused(message, answer.status);
}

function problemOf(answer: Answer): string {
  try {
    const { errors } = JSON.parse(answer.body.toString()) as { errors?: { code?: string; message?: string }[] };
    const first = errors?.[0];
    if (first) return `HTTP ${answer.status} ${first.code ?? ''} ${first.message ?? ''}`.trim().slice(0, 500);
  } catch {
    // Not every answer of a registry, or of the proxy before it, is JSON.
  }
  return `HTTP ${answer.status}`;
}

async function readBounded(call: Call, response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxBodyBytes) throw new RegistryUntrusted(`${call.what}: the answer is larger than ${maxBodyBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw sort(call, cause, new URL(response.url).host);
  }
  return Buffer.concat(chunks);
}
