import { request } from 'node:http';

/** What the tools need of a Docker Engine; the services have their own client, so the demo's view of Docker is independent of theirs. */
export interface DockerApi {
  /** As in DOCKER_HOST. */
  readonly host: string;
  /** Calls the Engine's HTTP API. Throws with the Engine's own message on any status of 400 or more, save those in `allow`. */
  call<T = unknown>(method: string, path: string, options?: { body?: unknown; allow?: number[]; timeoutMs?: number }): Promise<T>;
  /** True when it answers. */
  answers(): Promise<boolean>;
}

/** A container as `GET /containers/json` lists it; only what the tools read. */
export interface ListedContainer {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  State: string;
  Labels: Record<string, string>;
}

/** An image as `GET /images/json` lists it. */
export interface ListedImage {
  Id: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Labels: Record<string, string> | null;
}

/** A client for `unix:///path` or `tcp://host:port`. Engines behind TLS or ssh are not for these tools. */
export function dockerApi(host: string): DockerApi {
  const address = addressOf(host);
  const call: DockerApi['call'] = (method, path, { body, allow = [], timeoutMs = 60_000 } = {}) =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const headers = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': payload.length };
      const sent = request({ ...address, method, path, headers, timeout: timeoutMs }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const status = answer.statusCode ?? 0;
          if (status >= 400 && !allow.includes(status)) reject(new Error(`Docker ${method} ${path}: ${status} ${messageIn(text)}`));
          else resolve(parse(text) as never);
        });
      });
      sent.on('timeout', () => sent.destroy(new Error(`Docker ${method} ${path}: no answer within ${timeoutMs / 1000} s`)));
      sent.on('error', reject);
      sent.end(payload);
    });
  const answers = (): Promise<boolean> =>
    call('GET', '/_ping', { timeoutMs: 5000 }).then(
      () => true,
      () => false,
    );
  return { host, call, answers };
}

function addressOf(host: string): { socketPath: string } | { host: string; port: number } {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const url = new URL(host.replace(/^tcp:/, 'http:'));
  if (url.protocol !== 'http:') throw new Error(`DOCKER_HOST ${host}: only unix:// and tcp:// are understood here`);
  return { host: url.hostname, port: Number(url.port || 2375) };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageIn(text: string): string {
  const parsed = parse(text);
  return typeof parsed === 'object' && parsed !== null && 'message' in parsed ? String(parsed.message) : text.slice(0, 200);
}
