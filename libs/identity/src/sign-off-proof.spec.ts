import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactSign, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { generatePersonKey, loadPersonKey, newPersonKey, PersonPublicJwk } from './person-key.js';
import { keyIdOfSignOff, type SignOffClaims, signSignOff, verifySignOff } from './sign-off-proof.js';

const now = new Date('2026-11-23T06:00:00Z');
const mei = newPersonKey();
const claims: SignOffClaims = {
  request: '01939f00-0000-7000-8000-000000000001',
  asks: 'a'.repeat(64),
  decision: 'approve',
  comment: '好的',
  time: now.toISOString(),
  nonce: 'n'.repeat(22),
  person: '01939f00-0000-7000-8000-000000000002',
};

async function signedAs(header: Record<string, unknown>, payload: unknown) {
  const bytes = new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return new CompactSign(bytes)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'slipway-sign-off+jws', ...header })
    .sign(await importJWK(mei.privateJwk, 'EdDSA'));
}

describe('the proof of a sign-off', () => {
  it('gives back what was signed', async () => {
    const jws = await signSignOff(mei.privateJwk, claims);
    expect(keyIdOfSignOff(jws)).toBe(mei.keyId);
    expect(await verifySignOff(jws, mei.publicJwk, now)).toEqual({ ok: true, claims });
  });

  it('is not believed under another key, nor with another payload', async () => {
    const jws = await signSignOff(mei.privateJwk, claims);
    expect(await verifySignOff(jws, newPersonKey().publicJwk, now)).toMatchObject({ ok: false, code: 'other-key' });
    const [header, , signature] = jws.split('.');
    const forged = `${header}.${Buffer.from(JSON.stringify({ ...claims, decision: 'reject' })).toString('base64url')}.${signature}`;
    expect(await verifySignOff(forged, mei.publicJwk, now)).toMatchObject({ ok: false, code: 'bad-signature' });
  });

  it.each([
    [301, 'too-old'],
    [-301, 'in-the-future'],
    [300, undefined],
    [-300, undefined],
  ])('signed %i s ago is answered with %s', async (seconds, code) => {
    const jws = await signSignOff(mei.privateJwk, { ...claims, time: new Date(now.getTime() - seconds * 1000).toISOString() });
    const verified = await verifySignOff(jws, mei.publicJwk, now);
    expect(verified.ok ? undefined : verified.code).toBe(code);
  });

  it.each([
    ['wrong-type', { typ: 'JWT' }, claims],
    ['wrong-type', { typ: undefined }, claims],
    ['bad-claims', {}, { ...claims, asks: 'other' }],
    ['bad-claims', {}, { ...claims, decision: 'maybe' }],
    ['bad-claims', {}, { ...claims, extra: true }],
    ['bad-claims', {}, 'not json'],
  ])('is refused as %s with header %j', async (code, header, payload) => {
    expect(await verifySignOff(await signedAs(header, payload), mei.publicJwk, now)).toMatchObject({ ok: false, code });
  });

  it('takes no algorithm but EdDSA, above all not none and not HMAC with the public key', async () => {
    const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const alg of ['none', 'HS256', 'ES256', undefined]) {
      const jws = `${b64({ alg, typ: 'slipway-sign-off+jws' })}.${b64(claims)}.`;
      expect(await verifySignOff(jws, mei.publicJwk, now)).toMatchObject({ ok: false, code: 'wrong-algorithm' });
    }
  });

  it('refuses garbage, a critical header it does not know, and what is too long, without throwing', async () => {
    for (const jws of ['', 'a.b.c', '....', '{}', 'x'.repeat(40_000)])
      expect(await verifySignOff(jws, mei.publicJwk, now)).toMatchObject({ ok: false, code: 'malformed' });
    const valid = await signSignOff(mei.privateJwk, claims);
    const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'slipway-sign-off+jws', crit: ['b64'], b64: false })).toString(
      'base64url',
    );
    expect((await verifySignOff([header, ...valid.split('.').slice(1)].join('.'), mei.publicJwk, now)).ok).toBe(false);
  });

  it('is not the JWS of RFC 8037, appendix A.4, though its signature is good: it was signed for something else', async () => {
    const jws =
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg';
    const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } as const;
    expect(await verifySignOff(jws, key, now)).toMatchObject({ ok: false, code: 'wrong-type' });
  });
});

describe('the key of a person', () => {
  it('stays in a file of that person, and is never overwritten', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-person-'));
    try {
      const file = join(dir, 'key.json');
      const { publicJwk, keyId } = await generatePersonKey(file);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const jws = await signSignOff(await loadPersonKey(file), claims);
      expect(keyIdOfSignOff(jws)).toBe(keyId);
      expect((await verifySignOff(jws, publicJwk, now)).ok).toBe(true);
      await expect(generatePersonKey(file)).rejects.toThrow('never overwritten');
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('is registered without its private half, as a key that exists', () => {
    expect(PersonPublicJwk.safeParse(mei.publicJwk).success).toBe(true);
    expect(PersonPublicJwk.safeParse(mei.privateJwk).success).toBe(false);
    expect(PersonPublicJwk.safeParse({ ...mei.publicJwk, kid: 'other' }).success).toBe(false);
    expect(PersonPublicJwk.safeParse({ ...mei.publicJwk, x: 'short' }).success).toBe(false);
    expect(PersonPublicJwk.safeParse({ ...mei.publicJwk, x: '' }).success).toBe(false);
  });

  it('has one spelling, so that nobody registers it beside its owner under another id', () => {
    const { x } = mei.publicJwk;
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = digits.indexOf(x.at(-1) as string);
    for (const more of [1, 2, 3]) {
      const spelt = `${x.slice(0, -1)}${digits[last + more]}`;
      expect(Buffer.from(spelt, 'base64url')).toEqual(Buffer.from(x, 'base64url'));
      expect(PersonPublicJwk.safeParse({ ...mei.publicJwk, x: spelt }).success, spelt).toBe(false);
    }
  });

  // The points of small order and how else they can be written: github.com/jedisct1/libsodium, ge25519_has_small_order.
  it.each([
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ])('is none that anybody can sign for: %s', (hex) => {
    const x = Buffer.from(hex, 'hex').toString('base64url');
    expect(PersonPublicJwk.safeParse({ kty: 'OKP', crv: 'Ed25519', x }).success).toBe(false);
  });
});
