import { anId, aPerson, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { authorsToTell, peopleToTell } from './audience.js';
import { asHtml, asSubject, asText } from './message.js';
import { messageOf } from './tell.js';

const release = aRelease({ project: 'shop', number: 42 });
const check = {
  check: 'GET /',
  outcome: 'failed' as const,
  message: 'expected 200, got 500 <img onerror>',
  seconds: 0.1,
  output: ['at line 7'],
};
const failed = {
  release,
  environment: 'test',
  deployment: anId(),
  image: { repository: 'r', digest: `sha256:${'a'.repeat(64)}` },
  address: 'http://127.0.0.1:20000',
  evidence: [check],
  seconds: 1,
  authors: [],
};
const publicUrl = 'https://slipway.example';

describe('what people are told', () => {
  it('says what failed and where, with a link', () => {
    const text = asText(messageOf({ template: 'verification.failed', data: failed }, 'en', publicUrl));
    expect(text).toContain('shop/42');
    expect(text).toContain('GET /');
    expect(text).toContain('expected 200, got 500');
    expect(text).toContain('at line 7');
    expect(text).toContain('https://slipway.example/api/v1/releases/shop/42');
  });

  it('says it in Chinese', () => {
    expect(messageOf({ template: 'verification.failed', data: failed }, 'zh', publicUrl).subject).toBe('shop/42 在 test 的检查未通过');
  });

  it('shows what others wrote as text, never as HTML', () => {
    expect(asHtml(messageOf({ template: 'verification.failed', data: failed }, 'en', publicUrl), 'en')).not.toContain('<img');
  });

  it('keeps a subject on one line', () => {
    expect(asSubject('a\r\nBcc: everybody@example.org')).toBe('a Bcc: everybody@example.org');
  });
});

describe('who is told', () => {
  const zoe = aPerson({ name: 'Zoe', emails: ['zoe@shop.example', 'zoe@home.example'], language: 'zh' });

  it('is the person an author is, in their language', () => {
    expect(authorsToTell([{ name: 'z', email: 'ZOE@home.example', account: null }], [zoe])).toEqual([
      { address: 'zoe@shop.example', language: 'zh' },
    ]);
  });

  it('is an author nobody knows by the address in the commit, and nobody twice', () => {
    const stranger = { name: 's', email: 'sam@else.example', account: null };
    expect(authorsToTell([stranger, stranger], [zoe])).toEqual([{ address: 'sam@else.example', language: 'en' }]);
  });

  it('is nobody by an address that is none, or that nobody reads', () => {
    const authors = ['x', 'a@b, c@d', '1+ann@users.noreply.github.com', 'no-reply@shop.example'].map((email) => ({
      name: 'n',
      email,
      account: null,
    }));
    expect(authorsToTell(authors, [])).toEqual([]);
  });

  it('leaves out people who left', () => {
    expect(peopleToTell([zoe.id], [{ ...zoe, active: false }])).toEqual([]);
  });
});
