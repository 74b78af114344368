import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aScene, type Scene } from '../gateway.fixture.js';

let scene: Scene;
beforeAll(async () => {
  scene = await aScene();
});
afterAll(() => scene?.stage.clear());

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${scene.gateway.url}${path}`, { ...init, headers: { authorization: `Bearer ${scene.administrator.token}`, ...init.headers } });

describe('a request that no route takes', () => {
  it('is told which methods its address has', async () => {
    const answer = await ask('/api/v1/projects/shop', { method: 'PATCH' });
    expect([answer.status, answer.headers.get('allow'), answer.headers.get('content-type')?.split(';', 1)[0]]).toEqual([
      405,
      'GET, HEAD, PUT, DELETE',
      'application/problem+json',
    ]);
    expect((await ask('/api/v1/releases/0b9c/retry')).status).toBe(405);
    expect((await ask('/api/v1/me', { method: 'HEAD' })).status).toBe(200);
  });

  it.each([
    ['too long a word in it', `/api/v1/keys/${'k'.repeat(5_000)}`, { method: 'DELETE' }],
    ['an address that is none', '/api/v1/projects/%ff', {}],
  ])('is a problem by its field: %s', async (_, path, init) => {
    const answer = await ask(path, init);
    expect([answer.status, answer.headers.get('content-type')?.split(';', 1)[0]]).toEqual([400, 'application/problem+json']);
    expect(await answer.json()).toMatchObject({ status: 400, title: 'Bad Request' });
  });

  it('is refused for an address that no mail can have', async () => {
    for (const email of [`${'a'.repeat(65)}@example.com`, `a@${'b'.repeat(64)}.com`, 'a@-b.com', 'a..b@example.com', 'a@b.c']) {
      const body = JSON.stringify({ name: 'Ann', emails: [email] });
      expect((await ask('/api/v1/people', { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(400);
    }
  });
});
