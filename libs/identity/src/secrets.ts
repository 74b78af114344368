import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** A secret as it is shown once, and the hash that is stored in its stead. */
export interface NewSecret {
  readonly secret: string;
  /** SHA-256 of the whole secret, 64 hexadecimal digits. 256 random bits need no slow hash. */
  readonly hash: string;
}

const TOKEN = /^slw_[A-Za-z0-9_-]{43}$/;

/** A new API token: `slw_` and 32 random bytes in base64url. The prefix lets secret scanners find a leaked one. */
export function newToken(): NewSecret {
  const secret = `slw_${randomBytes(32).toString('base64url')}`;
  return { secret, hash: hashToken(secret) };
}

/** Whether a text has the form of an API token; asked before any look-up. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** What is stored of a token, a session or a one-time link, and what it is looked up by. */
export function hashToken(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('hex');
}

/** A link that lets somebody in once: the first administrator, an invitation, a forgotten password. */
export interface OneTimeLink extends NewSecret {
  readonly expiresAt: Date;
}

/** A new one-time link; its secret is `slo_` and 32 random bytes in base64url. Whoever redeems it marks its hash used, in one transaction. */
export function newOneTimeLink(now: Date, lifeMs = 60 * 60_000): OneTimeLink {
  const secret = `slo_${randomBytes(32).toString('base64url')}`;
  return { secret, hash: hashToken(secret), expiresAt: new Date(now.getTime() + lifeMs) };
}

/** HMAC-SHA256, 64 hexadecimal digits: for what has little chance in it (an e-mail address, a webhook body) and must not be guessed from its hash. */
export function keyedHash(key: Uint8Array, value: Uint8Array | string): string {
  return createHmac('sha256', key).update(value).digest('hex');
}

/** Compares two secrets or hashes in a time that tells nothing about where they differ, nor about their lengths. */
export function sameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(one), digest(other));
}
