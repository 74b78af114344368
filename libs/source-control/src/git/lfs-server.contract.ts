import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const mediaType = 'application/vnd.git-lfs+json';

/** What docs/api/batch.md of git-lfs says a client sends; strict, so that a request it does not know is seen. */
const BatchRequest = z.strictObject({
  operation: z.enum(['download', 'upload']),
  objects: z.array(z.strictObject({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.number().int().min(0) })).min(1),
  transfers: z.array(z.string()).optional(),
  ref: z.strictObject({ name: z.string() }).optional(),
  hash_algo: z.string().optional(),
});

/** What one request asked for and what it brought along. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

/**
 * A double of an LFS server: the batch API and the basic transfer as docs/api of git-lfs describes them, and nothing else. It stands below
 * `/<repository>/info/lfs` as beside any Git server. `login` is `user:password`; a test may bend it by what it puts into `instead`.
 */
export class LfsServerDouble {
  readonly objects = new Map<string, Buffer>();
  readonly asked: Asked[] = [];
  /** Answers in its place when it returns true. */
  instead: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;

  constructor(private readonly login?: string) {}

  /** For `serveHttp`: takes what is for LFS. */
  readonly take = (request: IncomingMessage, response: ServerResponse): boolean => {
    const path = request.url ?? '';
    if (!path.includes('/info/lfs/')) return false;
    this.asked.push({ method: request.method ?? '', path, authorization: request.headers.authorization });
    if (this.instead(request, response)) return true;
    if (this.login !== undefined && request.headers.authorization !== `Basic ${Buffer.from(this.login).toString('base64')}`) {
      response.writeHead(401, { 'lfs-authenticate': 'Basic realm="test"', 'content-type': mediaType });
      response.end(JSON.stringify({ message: 'Credentials needed' }));
      return true;
    }
    this.answer(request, response, path).catch((error: Error) => response.writeHead(422).end(JSON.stringify({ message: error.message })));
    return true;
  };

  private async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const object = /\/info\/lfs\/objects\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (object !== undefined && request.method === 'PUT') return this.keep(object, request, response);
    if (object !== undefined && request.method === 'GET') {
      const content = this.objects.get(object);
      return void (content ? response.writeHead(200, { 'content-length': content.length }).end(content) : response.writeHead(404).end());
    }
    if (request.method === 'POST' && path.endsWith('/objects/batch')) return this.batch(request, response);
    // Locking is optional; a server without it says so like this.
    response.writeHead(404, { 'content-type': mediaType }).end(JSON.stringify({ message: 'Not found' }));
  }

  private async batch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { accept, host } = request.headers;
    if (!accept?.startsWith(mediaType) || !request.headers['content-type']?.startsWith(mediaType))
      throw new Error('not the media type of LFS');
    const asked = BatchRequest.parse(JSON.parse(await text(request)));
    // As hosting services do: who was let in here is let in there.
    const header = request.headers.authorization === undefined ? {} : { Authorization: request.headers.authorization };
    const base = `http://${host}${(request.url ?? '').replace(/\/batch$/, '')}`;
    const objects = asked.objects.map(({ oid, size }) => {
      const known = this.objects.has(oid);
      if (asked.operation === 'upload') return { oid, size, ...(known ? {} : { actions: { upload: { href: `${base}/${oid}`, header } } }) };
      return known
        ? { oid, size, authenticated: true, actions: { download: { href: `${base}/${oid}`, header, expires_in: 60 } } }
        : { oid, size, error: { code: 404, message: 'Object does not exist' } };
    });
    response.writeHead(200, { 'content-type': mediaType }).end(JSON.stringify({ transfer: 'basic', objects, hash_algo: 'sha256' }));
  }

  private async keep(oid: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    if (createHash('sha256').update(content).digest('hex') !== oid) throw new Error('the content is not what its name says');
    this.objects.set(oid, content);
    response.writeHead(200).end();
  }
}

/** Somebody else's server: writes down who brought which login, and asks everybody for one. */
export async function aThief(): Promise<{ url: string; seen: (string | undefined)[]; close(): Promise<void> }> {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401, { 'www-authenticate': 'Basic realm="thief"', 'lfs-authenticate': 'Basic realm="thief"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
}
