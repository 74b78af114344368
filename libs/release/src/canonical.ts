import serialize from 'canonicalize';

/**
 * The one spelling of a JSON value (RFC 8785): equal values, equal text. Whoever needs its hash gives a hash function; this
 * library has none.
 *
 * @throws TypeError where the value has no JSON form: undefined, a function, NaN, an infinity, a lone surrogate, a circle.
 */
export function canonicalJson(value: unknown): string {
  const text = serialize(value);
  if (text === undefined) throw new TypeError('a value of this kind has no JSON form');
  return text;
}

/** SHA-256 of the UTF-8 bytes of a text, 64 hexadecimal digits; given by the caller. */
export type Sha256Of = (text: string) => string;
