import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aScene, type Scene } from '../gateway.fixture.js';

let scene: Scene;
beforeAll(async () => {
  scene = await aScene();
  await scene.aProject('shop');
  await scene.aBuiltRelease('shop', 1);
});
afterAll(() => scene.stage.clear());

const get = (path: string, language = 'en') => fetch(`${scene.gateway.url}${path}`, { headers: { 'accept-language': language } });
/** Without what differs each time. */
const textOf = async (answer: Response) => (await answer.text()).replaceAll(/nonce="[^"]*"/g, '');

describe('the page of a release', () => {
  it('opens without sign-in, in the language of the browser, by a policy that lets nothing run', async () => {
    const answer = await get('/releases/shop/1', 'zh-CN');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'nonce-/);
    expect(answer.headers.get('vary')).toContain('accept-language');
    expect(await answer.text()).toContain('slipway approve shop/1');
  });

  it('tells nobody whether there is such a release', async () => {
    const known = await textOf(await get('/releases/shop/1'));
    const unknown = await textOf(await get('/releases/shop/9'));
    expect(unknown).toBe(known.replaceAll('shop/1', 'shop/9').replace('Release 1 ', 'Release 9 '));
  });

  it('takes nothing but a name and a number', async () => {
    for (const path of ['/releases/shop/0', '/releases/shop/x', '/releases/%3Cb%3E/1', '/releases/shop/1%22'])
      expect((await get(path)).status).toBe(404);
  });
});
