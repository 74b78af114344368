import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiError, ApiUnreachable, apiClient } from './client.js';

let close: (() => void) | undefined;
afterEach(() => close?.());

async function gatewayThatSays(status: number, body: unknown, seen: string[] = []): Promise<string> {
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => server.close();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the client', () => {
  it('puts names into the path and the token into its header', async () => {
    const seen: string[] = [];
    const url = await gatewayThatSays(200, { name: 'shop', version: 2, changed: true }, seen);
    await apiClient({ url, token: 'slw_x' }).applyProject({
      params: { name: 'shop' },
      query: { 'dry-run': 'true' },
      yaml: 'kind: Project',
    });
    expect(seen).toEqual(['PUT /api/v1/projects/shop?dry-run=true Bearer slw_x']);
  });

  it('escapes what it puts into a path', async () => {
    const seen: string[] = [];
    const url = await gatewayThatSays(200, { items: [], cursor: null }, seen);
    await apiClient({ url })
      .revokeKey({ params: { id: '../tokens' } })
      .catch(() => undefined);
    expect(seen[0]).toContain('/api/v1/keys/..%2Ftokens');
  });

  it('throws the problem with the field, the line and what to do', async () => {
    const url = await gatewayThatSays(422, {
      type: 'about:blank',
      title: 'the project file is not valid',
      status: 422,
      errors: [{ field: 'spec.image', message: 'required', line: 7 }],
    });
    const refused = await apiClient({ url })
      .me({})
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ApiError);
    expect(String(refused)).toContain('spec.image (line 7): required');
  });

  it('says so when nobody answers', async () => {
    await expect(apiClient({ url: 'http://127.0.0.1:1' }).me({})).rejects.toThrow(ApiUnreachable);
  });
});
