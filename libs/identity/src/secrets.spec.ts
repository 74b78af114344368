import { describe, expect, it } from 'vitest';
import { hashPassword, needsRehash, verifyPassword } from './passwords.js';
import { hashToken, isToken, keyedHash, newOneTimeLink, newToken, sameSecret } from './secrets.js';

describe('API tokens', () => {
  it('are 32 random bytes behind a prefix, and only their hash is stored', () => {
    const tokens = Array.from({ length: 100 }, newToken);
    expect(new Set(tokens.map((token) => token.secret)).size).toBe(100);
    for (const { secret, hash } of tokens) {
      expect(isToken(secret)).toBe(true);
      expect(hash).toBe(hashToken(secret));
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
    }
    for (const text of ['', 'slw_', 'slw_short', `slo_${'a'.repeat(43)}`, `slw_${'a'.repeat(43)} `]) expect(isToken(text)).toBe(false);
  });

  it('are hashed as SHA-256 does (FIPS 180-2, "abc")', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('one-time links', () => {
  it('end, and are no API tokens', () => {
    const link = newOneTimeLink(new Date('2026-11-23T06:00:00Z'), 60_000);
    expect(link.expiresAt.toISOString()).toBe('2026-11-23T06:01:00.000Z');
    expect(isToken(link.secret)).toBe(false);
    expect(link.hash).toBe(hashToken(link.secret));
  });
});

describe('keyed hashes', () => {
  it('are HMAC-SHA256 (RFC 4231, case 2)', () => {
    expect(keyedHash(Buffer.from('Jefe'), 'what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('compare without telling where they differ', () => {
    expect([sameSecret('a', 'a'), sameSecret('a', 'b'), sameSecret('a', 'aa'), sameSecret('', '')]).toEqual([true, false, false, true]);
  });
});

describe('passwords', () => {
  it('verify against their own hash and no other, each with its salt', async () => {
    const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
    expect(one).not.toBe(other);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$/);
    expect(await verifyPassword('correct horse', one)).toBe(true);
    expect(await verifyPassword('correct horsf', one)).toBe(false);
    expect(needsRehash(one)).toBe(false);
  });

  it('of a cheaper day still verify, and ask to be hashed anew', async () => {
    // scrypt('pleaseletmein', 'SodiumChloride', 16384, 8, 1) is RFC 7914's; this one has our 16-byte salt of zeros.
    const { scryptSync } = await import('node:crypto');
    const hash = scryptSync('pleaseletmein', Buffer.alloc(16), 32, { N: 2 ** 12, r: 8, p: 1 })
      .toString('base64')
      .replace(/=+$/, '');
    const stored = `$scrypt$ln=12,r=8,p=1$${'A'.repeat(22)}$${hash}`;
    expect(await verifyPassword('pleaseletmein', stored)).toBe(true);
    expect(needsRehash(stored)).toBe(true);
  });

  it('are refused, at the same cost, for nobody and for a stored text that is no hash', async () => {
    expect(await verifyPassword('', undefined)).toBe(false);
    expect(await verifyPassword('x', 'x')).toBe(false);
    expect(await verifyPassword('x', `$scrypt$ln=40,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`)).toBe(false);
  });

  it('are bounded, and typed alike on every keyboard', async () => {
    await expect(hashPassword('x'.repeat(2000))).rejects.toThrow('at most 1024');
    expect(await verifyPassword('x'.repeat(2000), undefined)).toBe(false);
    expect(await verifyPassword('e\u0301', await hashPassword('\u00e9'))).toBe(true);
  });
});
