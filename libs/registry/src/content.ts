import { RegistryUntrusted } from './errors.js';
import type { Descriptor, Manifest } from './oci-registry.js';

export const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** What an object of a registry says, of which nothing is known: whoever may push writes what they like. */
type Content = Readonly<Record<string, unknown>>;

/** What an answer says. Throws `RegistryUntrusted` where it is no JSON object. */
export function parse(what: string, body: Buffer): Content {
  let read: unknown;
  try {
    read = JSON.parse(body.toString());
  } catch (cause) {
    throw new RegistryUntrusted(`${what}: the answer is not JSON; is this a registry?`, undefined, { cause });
  }
  if (typeof read !== 'object' || read === null) throw new RegistryUntrusted(`${what}: the answer is no JSON object; is this a registry?`);
  return read as Content;
}

/** What a manifest says; one that a registry gave is an object. */
export function contentOf({ bytes }: Pick<Manifest, 'bytes'>): Content {
  return JSON.parse(bytes.toString()) as Content;
}

/** What an index or a manifest lists under a name, by digests that can be asked for. */
export function listedIn(content: Content, name: 'manifests' | 'layers'): Descriptor[] {
  const listed = content[name];
  return Array.isArray(listed) ? listed.filter((one) => typeof one?.digest === 'string' && digestPattern.test(one.digest)) : [];
}
