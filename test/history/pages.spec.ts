import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pagesOf } from './pages.js';

const release = { id: 'r1', number: 7 };
const answers: Readonly<Record<string, unknown>> = {
  '/api/v1/openapi.json': {
    paths: {
      '/api/v1/events': { get: {} },
      '/api/v1/projects': { get: {} },
      '/api/v1/projects/{project}/environments/{environment}': { get: {} },
      '/api/v1/releases/{project}/{number}': { get: {} },
      '/api/v1/releases/{id}/withdraw': { post: {} },
      '/api/v1/approvals/{id}': { get: {} },
    },
  },
  '/api/v1/projects': { items: [{ name: 'shop', file: { spec: { environments: [{ name: 'test' }, { name: 'production' }] } } }] },
  '/api/v1/releases?project=shop&limit=2': { items: [{ release }] },
  '/api/v1/approvals?project=shop&limit=2': { items: [{ request: 'q1', release }] },
  '/api/v1/releases/r1': { logs: ['build/1'] },
};
const asked: string[] = [];
let server: Server;

beforeAll(async () => {
  server = createServer(({ url = '', headers }, response) => {
    asked.push(`${url}${headers.authorization === 'Bearer a-token' ? ' as an administrator' : ''}`);
    response.end(JSON.stringify(answers[url] ?? 'ok'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('the pages of a suite', () => {
  it('are those of each process, and whatever the API shows of its projects by its own document; who is away shows none', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const pages = await pagesOf({ urls: [url, 'http://127.0.0.1:1'], gatewayUrl: url, token: 'a-token' });
    const api = [
      ...['openapi.json', 'projects', 'releases?project=shop&limit=2', 'approvals?project=shop&limit=2'],
      ...['projects/shop/environments/test', 'releases/shop/7', 'approvals/q1', 'projects/shop/environments/production'],
      ...['releases/r1', 'releases/r1/logs?stream=build%2F1'],
    ];
    expect(asked).toEqual([
      ...['/metrics', '/health/ready', '/health/live', '/', '/api/docs'],
      ...api.map((path) => `/api/v1/${path} as an administrator`),
    ]);
    expect(pages.map(({ where }) => where)).toEqual(asked.map((each) => `${url}${each.replace(' as an administrator', '')}`));
    expect(pages.every(({ is, text }) => is === 'page' && text.includes('\n'))).toBe(true);
  });
});
