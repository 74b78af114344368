import { referrersTag } from './attestations.js';
import { RegistryRefused } from './errors.js';
import type { CallOptions } from './http.js';
import { type Descriptor, type Manifest, mediaTypes, type OciRegistry } from './oci-registry.js';

/** Manifests of others that are looked at for one image; with more of them it stays. */
const mostForeign = 200;
const tagsAtOnce = 1000;

export type Removal =
  /** It is not there any more, or was not. */
  | { readonly outcome: 'removed' }
  /** The registry, or a tag somebody else has set, keeps it. */
  | { readonly outcome: 'refused'; readonly code: 'delete-disabled' | 'not-allowed' | 'tagged' | 'refused'; readonly message: string };

/** Which of some tags were set by whoever removes. */
export type OwnTags = (tags: readonly string[]) => Promise<ReadonlySet<string>>;

/**
 * Removes an image by digest with what refers to it (attestations) and the tags it has. A tag that is none of `ownOf` was set by somebody else: an image
 * that has one, or is in an index that has one, stays. May be called again at any time. The bytes go when the registry collects its garbage. Throws
 * `RegistryUnavailable`, `RegistryUntrusted`, `RegistryCancelled`.
 */
export async function removeImage(
  registry: OciRegistry,
  repository: string,
  digest: string,
  ownOf: OwnTags,
  options: CallOptions = {},
): Promise<Removal> {
  try {
    const foreign = await foreignTagOf(registry, repository, digest, ownOf, options);
    if (foreign !== undefined) return { outcome: 'refused', code: 'tagged', message: foreign };
    // The image last: while it is there, what refers to it is found.
    for (const referrer of await referrersOf(registry, repository, digest, options))
      await registry.deleteManifest(repository, referrer, options);
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
  ownOf: OwnTags,
  options: CallOptions,
): Promise<string | undefined> {
  const tooMany = `${repository} has more than ${mostForeign} tags that Slipway did not set`;
  const foreign: string[] = [];
  for await (const tags of pagesOf(registry.tags(repository, { ...options, pageSize: tagsAtOnce }))) {
    const own = await ownOf(tags);
    foreign.push(...tags.filter((tag) => !own.has(tag)));
    if (foreign.length > mostForeign) return tooMany;
  }
  let left = mostForeign;
  for (const tag of foreign) {
    // What a tag stands for, and what is in it, and so on.
    for (const inside = [tag]; inside.length > 0; left--) {
      if (left === 0) return tooMany;
      const manifest = await registry.manifest(repository, inside.shift() as string, options);
      if (!manifest) continue;
      const parts = partsOf(manifest);
      if (!parts) return `the tag ${tag}, which Slipway did not set, is on an index that cannot be read`;
      if (manifest.digest === digest || parts.some((part) => part.digest === digest))
        return `the tag ${tag}, which Slipway did not set, is on it`;
      inside.push(...parts.filter(isIndex).map((part) => part.digest));
    }
  }
  return undefined;
}

/** Tags that may be somebody's, so many at a time. */
async function* pagesOf(tags: AsyncIterable<string>): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const tag of tags) {
    if (isReferrersTag(tag)) continue;
    page.push(tag);
    if (page.length < tagsAtOnce) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function isReferrersTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}$/.test(tag);
}

function isIndex({ mediaType }: Pick<Descriptor, 'mediaType'>): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerIndex;
}

/** What an index holds, nothing for any other manifest; undefined where it cannot be read. */
function partsOf(manifest: Manifest): readonly Descriptor[] | undefined {
  return isIndex(manifest) ? contentOf(manifest)?.manifests : [];
}

/** Undefined for what is no manifest: whoever may push can write anything. */
function contentOf({ bytes }: Manifest): { readonly manifests: readonly Descriptor[]; readonly subject: string | undefined } | undefined {
  try {
    const { manifests, subject } = JSON.parse(bytes.toString()) as { manifests?: Descriptor[] | null; subject?: Descriptor | null };
    const parts = manifests ?? [];
    return parts.every(({ digest }) => typeof digest === 'string') ? { manifests: parts, subject: subject?.digest } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Digests of what says itself that it refers to the image, and of the index of it. Whoever may push can write any digest into that index, and set the tag it
 * is found by on any image: that does not make us delete it.
 */
async function referrersOf(registry: OciRegistry, repository: string, digest: string, options: CallOptions): Promise<readonly string[]> {
  const listed = (await registry.referrersApi(repository, digest, options)) ?? [];
  const index = await registry.manifest(repository, referrersTag(digest), options);
  const kept = index ? partsOf(index) : [];
  const referring = new Set<string>();
  const strange = new Set<string>();
  for (const one of new Set([...listed, ...(kept ?? [])].map((each) => each.digest))) {
    const manifest = await registry.manifest(repository, one, options);
    if (manifest) (contentOf(manifest)?.subject === digest ? referring : strange).add(one);
  }
  if (index && isIndex(index) && kept && !kept.some((each) => strange.has(each.digest))) referring.add(index.digest);
  return [...referring];
}

function codeOf({ statusCode, message }: RegistryRefused): 'delete-disabled' | 'not-allowed' | 'refused' {
  if (statusCode === 405 || /\bUNSUPPORTED\b/.test(message)) return 'delete-disabled';
  return statusCode === 401 || statusCode === 403 ? 'not-allowed' : 'refused';
}
