import { referrersTag } from './attestations.js';
import { RegistryRefused } from './errors.js';
import type { CallOptions } from './http.js';
import type { Descriptor, OciRegistry } from './oci-registry.js';

/** Tags of others that are looked at for one image; with more of them it stays. */
const mostForeignTags = 200;
const tagsAtOnce = 1000;

export type Removal =
  /** It is not there any more, or was not. */
  | { readonly outcome: 'removed' }
  /** The registry, or a tag somebody else has set, keeps it. */
  | { readonly outcome: 'refused'; readonly code: 'delete-disabled' | 'not-allowed' | 'tagged' | 'refused'; readonly message: string };

/**
 * Removes an image by digest with what refers to it (attestations) and the tags it has. Tags that `isOwn` does not know were set by somebody else: an
 * image that has one stays. May be called again at any time. The bytes go when the registry collects its garbage. Throws `RegistryUnavailable`,
 * `RegistryUntrusted`, `RegistryCancelled`.
 */
export async function removeImage(
  registry: OciRegistry,
  repository: string,
  digest: string,
  isOwn: (tag: string) => boolean,
  options: CallOptions = {},
): Promise<Removal> {
  try {
    const foreign = await foreignTagOf(registry, repository, digest, isOwn, options);
    if (foreign !== undefined) return { outcome: 'refused', code: 'tagged', message: foreign };
    // The image last: while it is there, what refers to it is found.
    for (const referrer of await referrersOf(registry, repository, digest, options))
      await registry.deleteManifest(repository, referrer.digest, options);
    const index = await registry.resolve(repository, referrersTag(digest), options);
    if (index) await registry.deleteManifest(repository, index.digest, options);
    await registry.deleteManifest(repository, digest, options);
    return { outcome: 'removed' };
  } catch (error) {
    if (!(error instanceof RegistryRefused)) throw error;
    return { outcome: 'refused', code: codeOf(error), message: error.message };
  }
}

/** Why somebody else's tag keeps the image; undefined where none does. */
async function foreignTagOf(
  registry: OciRegistry,
  repository: string,
  digest: string,
  isOwn: (tag: string) => boolean,
  options: CallOptions,
): Promise<string | undefined> {
  const foreign: string[] = [];
  for await (const tag of registry.tags(repository, { ...options, pageSize: tagsAtOnce })) {
    if (isOwn(tag) || isReferrersTag(tag)) continue;
    if (foreign.length === mostForeignTags) return `${repository} has more than ${mostForeignTags} tags that Slipway did not set`;
    foreign.push(tag);
  }
  for (const tag of foreign) {
    const at = await registry.resolve(repository, tag, options);
    if (at?.digest === digest) return `the tag ${tag}, which Slipway did not set, is on it`;
  }
  return undefined;
}

function isReferrersTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}$/.test(tag);
}

async function referrersOf(
  registry: OciRegistry,
  repository: string,
  digest: string,
  options: CallOptions,
): Promise<readonly Descriptor[]> {
  const listed = await registry.referrersApi(repository, digest, options);
  const index = await registry.manifest(repository, referrersTag(digest), options);
  const kept = index && (JSON.parse(index.bytes.toString()) as { manifests?: Descriptor[] }).manifests;
  return [...new Map([...(listed ?? []), ...(kept ?? [])].map((one) => [one.digest, one])).values()];
}

function codeOf({ statusCode, message }: RegistryRefused): 'delete-disabled' | 'not-allowed' | 'refused' {
  if (statusCode === 405 || /\bUNSUPPORTED\b/.test(message)) return 'delete-disabled';
  return statusCode === 401 || statusCode === 403 ? 'not-allowed' : 'refused';
}
