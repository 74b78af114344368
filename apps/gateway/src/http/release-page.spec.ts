import { describe, expect, it } from 'vitest';
import { pageLanguage, releasePage } from './release-page.js';

const page = { project: 'shop', number: '42', language: 'en', publicUrl: 'https://slipway.example/' } as const;

describe('the page a mail links to', () => {
  it('says what to type, and loads and runs nothing', () => {
    const html = releasePage(page, 'n0nce');
    for (const command of ['slipway release watch shop/42', 'slipway approve shop/42', 'slipway login --url https://slipway.example<'])
      expect(html).toContain(command);
    expect(html).not.toMatch(/<script|<img|<link|<form|src=|http-equiv/);
    expect(html).toContain('name="viewport"');
  });

  it('is Chinese for who wants that', () => {
    const html = releasePage({ ...page, language: 'zh' }, 'n0nce');
    expect(html).toContain('<html lang="zh-Hans">');
    expect(html).toContain('项目 shop 的版本 42');
    expect(html).not.toMatch(/Sign it off|See it|Not signed in/);
  });

  it.each([
    [undefined, 'en'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    ['en-GB,en;q=0.9,zh;q=0.8', 'en'],
    ['de, zh;q=0.2', 'zh'],
    ['zh;q=0, fr', 'en'],
    ['zh;q=nonsense, en;q=0.9', 'zh'],
    ['*', 'en'],
  ])('takes %j as %s', (header, language) => {
    expect(pageLanguage(header)).toBe(language);
  });
});
