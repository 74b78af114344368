import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The forges whose webhooks are understood (design part 5). */
export type Provider = 'github' | 'gitea' | 'generic';

/** Header names as Node gives them: lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** `sha256=<hex>` headers, and Gitea's own with the bare hex; facts/ecosystem.md 1. SHA-1 is never enough. */
const signedBy: Record<Provider, readonly string[]> = {
  github: ['x-hub-signature-256'],
  gitea: ['x-gitea-signature', 'x-hub-signature-256'],
  generic: ['x-signature', 'x-hub-signature-256'],
};

const deliveredAs: Record<Provider, readonly string[]> = {
  github: ['x-github-delivery'],
  gitea: ['x-gitea-delivery'],
  generic: ['idempotency-key', 'x-request-id'],
};

/** Whether the raw body was signed with the secret. Compares in constant time; every signature that is there must be right. */
export function isSigned(provider: Provider, headers: Headers, body: Buffer, secret: Buffer): boolean {
  const given = signedBy[provider].flatMap((name) => (headers[name] === undefined ? [] : [headers[name]])).flat();
  return secret.length > 0 && given.length > 0 && given.every((signature) => fits(signature, body, secret));
}

function fits(signature: string, body: Buffer, secret: Buffer): boolean {
  const match = /^(?:(sha256|sha512)=)?([0-9a-f]{64}|[0-9a-f]{128})$/i.exec(signature.trim());
  const [, algorithm = 'sha256', hex = ''] = match ?? [];
  const given = Buffer.from(hex, 'hex');
  const expected = createHmac(algorithm.toLowerCase(), secret).update(body).digest();
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** What tells a delivery from another: the provider's id, or the hash of the body where it sends none. */
export function deliveryId(provider: Provider, headers: Headers, body: Buffer): string {
  const given = deliveredAs[provider]
    .map((name) => headers[name])
    .find((value) => typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value));
  return `${provider}:${typeof given === 'string' ? given : createHash('sha256').update(body).digest('hex')}`;
}
