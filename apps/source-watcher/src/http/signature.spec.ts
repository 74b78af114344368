import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deliveryId, isSigned } from './signature.js';

const secret = Buffer.from("It's a Secret to Everybody");
const body = Buffer.from('Hello, World!');
// GitHub's own test vector, docs "Validating webhook deliveries".
const vector = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

describe('webhook signatures', () => {
  it("agree with GitHub's test vector", () => {
    expect(isSigned('github', { 'x-hub-signature-256': vector }, body, secret)).toBe(true);
    expect(isSigned('github', { 'x-hub-signature-256': vector }, Buffer.from('Hello, World?'), secret)).toBe(false);
  });

  it('are bare in Gitea, and may be SHA-512 in the generic kind', () => {
    expect(isSigned('gitea', { 'x-gitea-signature': vector.slice(7) }, body, secret)).toBe(true);
    expect(isSigned('generic', { 'x-signature': `sha512=${createHmac('sha512', secret).update(body).digest('hex')}` }, body, secret)).toBe(
      true,
    );
  });

  it('must all be right, and there must be a secret', () => {
    expect(isSigned('gitea', { 'x-gitea-signature': vector.slice(7), 'x-hub-signature-256': 'sha256=00' }, body, secret)).toBe(false);
    expect(isSigned('github', {}, body, secret)).toBe(false);
    expect(
      isSigned('github', { 'x-hub-signature-256': `sha256=${createHmac('sha256', '').update(body).digest('hex')}` }, body, Buffer.alloc(0)),
    ).toBe(false);
  });

  it("name a delivery by the provider's id, or by the body", () => {
    expect(deliveryId('github', { 'x-github-delivery': 'abc' }, body)).toBe('github:abc');
    expect(deliveryId('generic', {}, body)).toMatch(/^generic:[0-9a-f]{64}$/);
    expect(deliveryId('github', { 'x-github-delivery': 'a\u0000b' }, body)).toMatch(/^github:[0-9a-f]{64}$/);
  });
});
