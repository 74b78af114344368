import { createHash } from 'node:crypto';
import serialize from 'canonicalize';

/**
 * The one spelling of a JSON value that everybody agrees on (RFC 8785), so that it can be hashed and signed.
 *
 * @throws TypeError where the value has no JSON form: undefined, a function, NaN, an infinity, a lone surrogate, a circle.
 */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('a value of this kind has no JSON form and can be neither hashed nor signed');
  return text;
}

/** SHA-256 of the canonical form, 64 hexadecimal digits: two equal values have equal digests whatever the order of their keys. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value), 'utf8').digest('hex');
}
