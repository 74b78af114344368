import { createPrivateKey, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSignedBy, preAuthenticationEncoding, signerOf } from './dsse.js';
import { keyIdOf, publicJwkOf, publicKeyOf } from './key-id.js';

/** RFC 8032, section 7.1, tests 1 to 3. */
const rfc8032 = [
  {
    secret: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    public: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    secret: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    public: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    secret: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    public: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

function keyFrom(seedHex: string) {
  return createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seedHex, 'hex')]),
    format: 'der',
    type: 'pkcs8',
  });
}

const key = keyFrom(rfc8032[0]?.secret ?? '');

describe('the pre-authentication encoding', () => {
  it('is the one of the specification', () => {
    expect(preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });

  it('counts bytes, not characters, and takes empty parts', () => {
    expect(preAuthenticationEncoding('ä', Buffer.from('中')).toString()).toBe('DSSEv1 2 ä 3 中');
    expect(preAuthenticationEncoding('', Buffer.alloc(0)).toString()).toBe('DSSEv1 0  0 ');
  });

  it('is never the same for two different pairs', () => {
    const pair = fc.tuple(fc.string({ unit: fc.constantFrom(' ', '1', 'a', 'é') }), fc.uint8Array({ max: 255, maxLength: 8 }));
    fc.assert(
      fc.property(pair, pair, ([type, body], [otherType, otherBody]) => {
        const same = type === otherType && Buffer.from(body).equals(Buffer.from(otherBody));
        expect(preAuthenticationEncoding(type, body).equals(preAuthenticationEncoding(otherType, otherBody))).toBe(same);
      }),
    );
  });
});

describe('Ed25519 keys', () => {
  it.each(rfc8032)('give what RFC 8032 says for message "$message"', ({ secret, public: publicHex, message, signature }) => {
    const jwk = publicJwkOf(keyFrom(secret));
    expect(Buffer.from(jwk.x, 'base64url').toString('hex')).toBe(publicHex);
    expect(sign(null, Buffer.from(message, 'hex'), keyFrom(secret)).toString('hex')).toBe(signature);
    expect(verify(null, Buffer.from(message, 'hex'), publicKeyOf(jwk), Buffer.from(signature, 'hex'))).toBe(true);
  });

  it('are named by the thumbprint RFC 8037 gives in its appendix', () => {
    expect(keyIdOf(publicJwkOf(key))).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });
});

describe('a DSSE signature', () => {
  const signer = signerOf(key);
  const publicKey = publicKeyOf(publicJwkOf(key));

  it('is over the encoding, deterministic, and names its key', async () => {
    const signature = await signer.sign('t', Buffer.from('p'));
    expect(signature).toEqual({ keyid: signer.keyId, sig: sign(null, Buffer.from('DSSEv1 1 t 1 p'), key).toString('base64url') });
  });

  it('fits only the bytes and the type it was made for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.uint8Array({ maxLength: 64 }), fc.nat(), async (type, body, at) => {
        const signature = await signer.sign(type, body);
        expect(isSignedBy(publicKey, type, body, signature)).toBe(true);
        expect(isSignedBy(publicKey, `${type}x`, body, signature)).toBe(false);
        if (body.length === 0) return;
        const flipped = Uint8Array.from(body, (byte, index) => (index === at % body.length ? byte ^ 1 : byte));
        expect(isSignedBy(publicKey, type, flipped, signature)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('may come in either base64 alphabet, and is only bad when it is garbage', async () => {
    const signature = await signer.sign('t', Buffer.from('p'));
    const standard = Buffer.from(signature.sig, 'base64url').toString('base64');
    expect(isSignedBy(publicKey, 't', Buffer.from('p'), { ...signature, sig: standard })).toBe(true);
    for (const sig of ['', '!!', 'AAAA', 'A'.repeat(86), 'A'.repeat(100_000)])
      expect(isSignedBy(publicKey, 't', Buffer.from('p'), { ...signature, sig })).toBe(false);
  });
});
