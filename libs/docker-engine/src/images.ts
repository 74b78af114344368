import { isTransientMessage, NotFound, Refused, TimedOut, Unavailable } from './errors.js';
import { jsonLines } from './log-stream.js';
import { type Call, labelFilter, segment, sort, type Transport } from './transport.js';
import type { CallOptions, ImageInfo, LabelFilter, RegistryAuth } from './types.js';

/** Pushing and pulling may take long, but never without a word. */
const transferLimitMs = 15 * 60_000;
const silenceLimitMs = 3 * 60_000;

interface Progress {
  status?: string;
  id?: string;
  progress?: string;
  error?: string;
  errorDetail?: { code?: number; message?: string };
  aux?: { Tag?: string; Digest?: string; Size?: number };
}

/** What moving an image takes. `timeoutMs` limits the whole transfer (default 15 minutes). */
export interface TransferOptions extends CallOptions {
  readonly auth?: RegistryAuth;
  readonly onLog?: (line: string) => void;
}

/** Images on the engine's host and their way from and to a registry. */
export class Images {
  constructor(private readonly transport: Transport) {}

  /** What is known of an image on this host, or `undefined` when it is not there. */
  async inspect(reference: string, options: CallOptions = {}): Promise<ImageInfo | undefined> {
    try {
      const raw = await this.transport.json<RawImage>({
        ...options,
        what: `inspect image ${reference}`,
        method: 'GET',
        path: `/images/${segment(reference)}/json`,
      });
      return fromImage(raw);
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** Ids, tags and labels of the images here that carry all these labels. */
  async list(
    filter: { labels?: LabelFilter; reference?: string; dangling?: boolean } = {},
    options: CallOptions = {},
  ): Promise<Pick<ImageInfo, 'id' | 'tags' | 'repositoryDigests' | 'labels' | 'createdAt' | 'sizeBytes'>[]> {
    const filters = {
      label: labelFilter(filter.labels),
      reference: filter.reference ? [filter.reference] : undefined,
      dangling: filter.dangling === undefined ? undefined : [String(filter.dangling)],
    };
    const rows = await this.transport.json<RawImageRow[]>({
      ...options,
      what: 'list images',
      method: 'GET',
      path: '/images/json',
      query: { filters },
    });
    return rows.map((row) => ({
      id: row.Id,
      tags: tagsOf(row.RepoTags),
      repositoryDigests: digestsOf(row.RepoDigests),
      labels: row.Labels ?? {},
      createdAt: new Date(row.Created * 1000).toISOString(),
      sizeBytes: row.Size,
    }));
  }

  /** Removes a tag, or the image by id; nothing happens when it is gone. Throws `Conflict` while a container uses it. */
  async remove(reference: string, options: CallOptions & { force?: boolean } = {}): Promise<void> {
    const query = { force: options.force ?? false };
    const what = `remove image ${reference}`;
    await this.transport
      .json({ ...options, what, method: 'DELETE', path: `/images/${segment(reference)}`, query })
      .catch((error: unknown) => {
        if (!(error instanceof NotFound)) throw error;
      });
  }

  /** Gives an image another name, `repository:tag`. */
  async tag(reference: string, repository: string, tag: string, options: CallOptions = {}): Promise<void> {
    await this.transport.json({
      ...options,
      what: `tag image ${reference}`,
      method: 'POST',
      path: `/images/${segment(reference)}/tag`,
      query: { repo: repository, tag },
    });
  }

  /**
   * Pushes `repository:tag` and gives the digest the registry's answer named; confirm it at the registry before relying on it.
   * Throws `Refused` (credentials, unknown name), `Unavailable` (registry or daemon away).
   */
  async push(reference: string, options: TransferOptions = {}): Promise<{ digest: string }> {
    const { repository, tag } = splitReference(reference);
    const call: Call = {
      ...options,
      what: `push ${reference}`,
      method: 'POST',
      path: `/images/${segment(repository)}/push`,
      query: { tag },
    };
    let digest: string | undefined;
    await this.transfer(call, options, (progress) => {
      digest = progress.aux?.Digest ?? digest;
    });
    if (digest === undefined) throw new Unavailable(`push ${reference}: the registry named no digest`);
    return { digest };
  }

  /** Pulls `repository@sha256:…` (or `repository:tag`) onto the host. Throws like `push`, and `NotFound` for an unknown digest. */
  async pull(reference: string, options: TransferOptions = {}): Promise<void> {
    const at = reference.indexOf('@');
    const { repository, tag } = at < 0 ? splitReference(reference) : { repository: reference.slice(0, at), tag: reference.slice(at + 1) };
    const call: Call = {
      ...options,
      what: `pull ${reference}`,
      method: 'POST',
      path: '/images/create',
      query: { fromImage: repository, tag },
    };
    await this.transfer(call, options, () => undefined);
  }

  private async transfer(call: Call, options: TransferOptions, seen: (progress: Progress) => void): Promise<void> {
    const limit = new AbortController();
    const total = setTimeout(() => limit.abort(), options.timeoutMs ?? transferLimitMs);
    const silence = setTimeout(() => limit.abort(), silenceLimitMs);
    const signal = options.signal ? AbortSignal.any([options.signal, limit.signal]) : limit.signal;
    const headers = { 'X-Registry-Auth': authHeader(options.auth) };
    try {
      const body = await this.transport.stream({ ...call, signal, headers, timeoutMs: options.timeoutMs ?? transferLimitMs });
      for await (const progress of jsonLines<Progress>(body)) {
        silence.refresh();
        const problem = progress.errorDetail?.message ?? progress.error;
        if (problem !== undefined) throw transferProblem(call.what, problem);
        seen(progress);
        if (progress.status !== undefined && progress.progress === undefined)
          options.onLog?.(progress.id ? `${progress.id}: ${progress.status}` : progress.status);
      }
    } catch (error) {
      if (limit.signal.aborted && !options.signal?.aborted)
        throw new TimedOut(`${call.what}: not finished in time, or no progress for ${silenceLimitMs / 1000} s`, undefined, {
          cause: error,
        });
      throw sort({ what: call.what, signal: options.signal }, error);
    } finally {
      clearTimeout(total);
      clearTimeout(silence);
    }
  }
}

/** The header in which the engine takes credentials for one call; never logged. */
export function authHeader(auth: RegistryAuth | undefined): string {
  const said =
    auth === undefined
      ? {}
      : { username: auth.username, password: auth.password, identitytoken: auth.identityToken, serveraddress: auth.serverAddress };
  return Buffer.from(JSON.stringify(said)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Splits `host:5000/name:tag`; without a tag it is `latest`, as everywhere in Docker. */
export function splitReference(reference: string): { repository: string; tag: string } {
  const colon = reference.lastIndexOf(':');
  if (colon <= reference.lastIndexOf('/')) return { repository: reference, tag: 'latest' };
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

function transferProblem(what: string, message: string): Error {
  if (isTransientMessage(message)) return new Unavailable(`${what}: ${message}`);
  return /manifest unknown|not found/i.test(message) ? new NotFound(`${what}: ${message}`) : new Refused(`${what}: ${message}`);
}

interface RawImageRow {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Labels?: Record<string, string> | null;
  Created: number;
  Size: number;
}

interface RawImage {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Created?: string;
  Size: number;
  Architecture: string;
  Os: string;
  Config?: { Labels?: Record<string, string> | null; ExposedPorts?: Record<string, unknown> | null } | null;
}

function fromImage(raw: RawImage): ImageInfo {
  return {
    id: raw.Id,
    tags: tagsOf(raw.RepoTags),
    repositoryDigests: digestsOf(raw.RepoDigests),
    labels: raw.Config?.Labels ?? {},
    createdAt: raw.Created ?? '',
    sizeBytes: raw.Size,
    architecture: raw.Architecture,
    os: raw.Os,
    exposedPorts: Object.keys(raw.Config?.ExposedPorts ?? {}),
  };
}

function tagsOf(tags: string[] | null | undefined): string[] {
  return (tags ?? []).filter((tag) => tag !== '<none>:<none>');
}

function digestsOf(digests: string[] | null | undefined): string[] {
  return (digests ?? []).filter((digest) => digest !== '<none>@<none>');
}
