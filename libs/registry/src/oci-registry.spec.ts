import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { parseChallenge } from './auth.js';
import { digestOf, OciRegistry, RegistryCancelled, RegistryRefused, RegistryUnavailable, RegistryUntrusted } from './index.js';

// A small stand-in for what the real registry of the tests can't do: tokens, 429, wrong digests. The rest is in oci-registry.int.spec.ts.
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});
async function answering(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const manifest = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(manifest);

async function all(tags: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const tag of tags) found.push(tag);
  return found;
}

describe('a registry', () => {
  it('reads the ways a registry asks for credentials', () => {
    expect(parseChallenge('Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"')).toEqual({
      scheme: 'bearer',
      parameters: { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' },
    });
    expect(parseChallenge('Basic realm=x')).toEqual({ scheme: 'basic', parameters: { realm: 'x' } });
    expect([parseChallenge(null), parseChallenge('Negotiate')]).toEqual([undefined, undefined]);
  });

  it('gets a token once for a scope and keeps it', async () => {
    const asked: string[] = [];
    const host = await answering((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? '-'}`);
      if (request.url?.startsWith('/token')) response.end(JSON.stringify({ token: 'abc', expires_in: 300 }));
      else if (request.headers.authorization === 'Bearer abc') response.end(manifest);
      else
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="reg",scope="repository:a:pull"` })
          .end();
    });
    const registry = new OciRegistry({ host, credentials: { username: 'me', password: 'secret' } });
    await registry.resolve('a', 'one');
    await registry.resolve('a', 'two');
    const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(asked).toEqual([
      '/v2/a/manifests/one -',
      `/token?service=reg&scope=repository%3Aa%3Apull ${basic}`,
      '/v2/a/manifests/one Bearer abc',
      '/v2/a/manifests/two Bearer abc',
    ]);
  });

  it('uses Basic where it is asked for, and says so when it is refused', async () => {
    const host = await answering((request, response) => {
      if (request.headers.authorization === `Basic ${Buffer.from('me:right').toString('base64')}`) response.end(manifest);
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    const right = new OciRegistry({ host, credentials: { username: 'me', password: 'right' } });
    expect(await right.resolve('a', 'one')).toMatchObject({ digest });
    const wrong = new OciRegistry({ host, credentials: { username: 'me', password: 'wrong' } });
    await expect(wrong.resolve('a', 'one')).rejects.toBeInstanceOf(RegistryRefused);
    await expect(new OciRegistry({ host }).resolve('a', 'one')).rejects.toThrow('wants credentials');
  });

  it('waits as long as a 429 says, and rides out a moment of illness', async () => {
    const statuses = [429, 503];
    const host = await answering((_, response) => {
      const status = statuses.shift();
      if (status) response.writeHead(status, { 'retry-after': '0' }).end();
      else response.end(manifest);
    });
    expect(await new OciRegistry({ host }).resolve('a', 'one')).toMatchObject({ digest });
    expect(statuses).toEqual([]);
  });

  it('is Unavailable when it stays ill, hangs, or is away', async () => {
    const host = await answering((request, response) => {
      if (!request.url?.includes('hang')) response.writeHead(500, { 'retry-after': '0' }).end();
    });
    await expect(new OciRegistry({ host }).resolve('a', 'one')).rejects.toBeInstanceOf(RegistryUnavailable);
    await expect(new OciRegistry({ host, timeoutMs: 50 }).resolve('hang', 'one')).rejects.toThrow('no answer in time');
    await expect(
      new OciRegistry({ host, timeoutMs: 60_000 }).resolve('hang', 'one', { signal: AbortSignal.timeout(50) }),
    ).rejects.toBeInstanceOf(RegistryCancelled);
    await expect(new OciRegistry({ host: '127.0.0.1:1' }).ping()).rejects.toBeInstanceOf(RegistryUnavailable);
  });

  it('believes no digest that does not fit the bytes', async () => {
    const other = `sha256:${'0'.repeat(64)}`;
    const host = await answering((_, response) => response.writeHead(200, { 'docker-content-digest': other }).end(manifest));
    await expect(new OciRegistry({ host }).resolve('a', 'one')).rejects.toBeInstanceOf(RegistryUntrusted);
    await expect(new OciRegistry({ host }).resolve('a', other)).rejects.toBeInstanceOf(RegistryUntrusted);
  });

  it('reads no answer without end, follows no redirect, and says when it is no registry', async () => {
    const host = await answering((request, response) => {
      if (request.url?.includes('big')) response.end(Buffer.alloc(5 * 1024 * 1024));
      else if (request.url?.includes('away')) response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end();
      else response.end(request.url?.includes('none') ? 'null' : '<html>');
    });
    const registry = new OciRegistry({ host });
    await expect(registry.resolve('big', 'one')).rejects.toThrow('larger than');
    await expect(registry.resolve('a', 'one')).rejects.toThrow('is this a registry?');
    await expect(registry.resolve('none', 'one')).rejects.toBeInstanceOf(RegistryUntrusted);
    await expect(registry.referrersApi('none', digest)).rejects.toBeInstanceOf(RegistryUntrusted);
    await expect(all(registry.tags('none'))).rejects.toBeInstanceOf(RegistryUntrusted);
    await expect(registry.resolve('away', 'one')).rejects.toBeInstanceOf(RegistryUnavailable);
  }, 20_000);

  it('reads tags page by page, at its own address only', async () => {
    const host = await answering((request, response) => {
      const last = new URL(request.url ?? '', 'http://x').searchParams.get('last');
      if (last === null) response.setHeader('link', '<http://evil.example/v2/a/tags/list?n=2&last=b>; rel="next"');
      response.end(JSON.stringify({ tags: last === null ? ['a', 'b'] : ['c'] }));
    });
    expect(await all(new OciRegistry({ host }).tags('a'))).toEqual(['a', 'b', 'c']);
  });

  it.each(['../x', 'A', 'a//b', 'a?b', ''])('refuses the repository %j', async (repository) => {
    await expect(new OciRegistry({ host: 'localhost:1' }).resolve(repository, 'one')).rejects.toThrow('is not the name of a repository');
  });

  it.each(['../x', 'a b', '-x', 'sha256:12', ''])('refuses the reference %j', async (reference) => {
    await expect(new OciRegistry({ host: 'localhost:1' }).resolve('a', reference)).rejects.toThrow('neither a tag nor a sha256 digest');
  });

  it.each(['a/b', 'http://x', 'user@host/path', ''])('refuses the host %j', (host) => {
    expect(() => new OciRegistry({ host })).toThrow(RegistryRefused);
  });
});
