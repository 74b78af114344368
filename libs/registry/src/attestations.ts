import { setTimeout as delay } from 'node:timers/promises';
import { contentOf, listedIn } from './content.js';
import { RegistryUnavailable } from './errors.js';
import type { CallOptions } from './http.js';
import { type Descriptor, digestOf, mediaTypes, type OciRegistry } from './oci-registry.js';

/** A signed statement about an image, kept beside it in its repository. */
export interface Attestation {
  /** What kind of statement, for finding it: `application/vnd.dsse.envelope.v1+json`. */
  readonly artifactType: string;
  /** The statement's bytes; at most 4 MiB. */
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

const emptyConfig = Buffer.from('{}');
const emptyType = 'application/vnd.oci.empty.v1+json';
/** How often the fallback index is written again when another writer was quicker. */
const maxRounds = 5;

interface Index {
  schemaVersion: 2;
  mediaType: string;
  manifests: Descriptor[];
}

/**
 * Stores an attestation that refers to a digest, and makes it findable: by the registry's referrers interface where it has one, else by an index
 * under the tag `sha256-<hex>` (OCI distribution 1.1, "referrers tag schema"). The same attestation twice is one. Gives the digest of
 * its manifest, or `undefined` when the subject is not in the repository.
 */
export async function putAttestation(
  registry: OciRegistry,
  repository: string,
  subject: string,
  attestation: Attestation,
  options: CallOptions = {},
): Promise<string | undefined> {
  const about = await registry.resolve(repository, subject, options);
  if (about === undefined) return undefined;
  const config = await registry.putBlob(repository, emptyConfig, options);
  const layer = await registry.putBlob(repository, attestation.bytes, options);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    artifactType: attestation.artifactType,
    config: { mediaType: emptyType, digest: config, size: emptyConfig.length },
    layers: [{ mediaType: attestation.artifactType, digest: layer, size: attestation.bytes.length }],
    subject: about,
    annotations: attestation.annotations ?? {},
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = await registry.putManifest(repository, digestOf(bytes), bytes, mediaTypes.ociManifest, options);
  if ((await registry.referrersApi(repository, subject, options)) === undefined) {
    const entry = {
      mediaType: mediaTypes.ociManifest,
      digest,
      size: bytes.length,
      artifactType: attestation.artifactType,
      annotations: attestation.annotations,
    };
    await inTurn(`${registry.host}/${repository}@${subject}`, () => addToIndex(registry, repository, subject, entry, options));
  }
  return digest;
}

/** The attestations that refer to a digest, of one type or all; found by whichever of the two ways the registry has. What only says that it is one is left out. */
export async function attestationsOf(
  registry: OciRegistry,
  repository: string,
  subject: string,
  options: CallOptions & { artifactType?: string } = {},
): Promise<{ digest: string; bytes: Buffer; artifactType: string }[]> {
  const entries =
    (await registry.referrersApi(repository, subject, options)) ?? (await readIndex(registry, repository, subject, options)).manifests;
  const found: { digest: string; bytes: Buffer; artifactType: string }[] = [];
  for (const entry of entries) {
    const artifactType = entry.artifactType ?? '';
    if (options.artifactType !== undefined && artifactType !== options.artifactType) continue;
    const manifest = await registry.manifest(repository, entry.digest, options);
    const [layer] = manifest ? listedIn(contentOf(manifest), 'layers') : [];
    const bytes = layer && (await registry.blob(repository, layer.digest, options));
    if (bytes) found.push({ digest: entry.digest, bytes, artifactType });
  }
  return found;
}

/** The tag under which the index of what refers to a digest is kept where the registry has no referrers interface. */
export function referrersTag(digest: string): string {
  return digest.replace(':', '-');
}

const turns = new Map<string, Promise<void>>();

/** Writers of one index in this process go one after the other. */
async function inTurn(index: string, write: () => Promise<void>): Promise<void> {
  const before = turns.get(index) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(write);
  turns.set(index, mine);
  try {
    await mine;
  } finally {
    if (turns.get(index) === mine) turns.delete(index);
  }
}

/**
 * Registries have no compare-and-set on a tag, so it is read back: an entry that a writer in another process has overwritten meanwhile is
 * added anew. One overwritten later still is lost from the index, never from the registry.
 */
async function addToIndex(
  registry: OciRegistry,
  repository: string,
  subject: string,
  entry: Descriptor,
  options: CallOptions,
): Promise<void> {
  for (let round = 0; round < maxRounds; round++) {
    const index = await readIndex(registry, repository, subject, options);
    if (index.manifests.some(({ digest }) => digest === entry.digest)) return;
    const bytes = Buffer.from(JSON.stringify({ ...index, manifests: [...index.manifests, entry] }));
    await registry.putManifest(repository, referrersTag(subject), bytes, mediaTypes.ociIndex, options);
    await delay(Math.random() * 50 * (round + 1), undefined, { signal: options.signal });
    const after = await readIndex(registry, repository, subject, options);
    if (after.manifests.some(({ digest }) => digest === entry.digest)) return;
  }
  throw new RegistryUnavailable(
    `attest ${repository} ${subject}: the index of referrers was overwritten ${maxRounds} times by other writers`,
  );
}

/** The index as far as it can be read: what else somebody has pushed in its place is written over. */
async function readIndex(registry: OciRegistry, repository: string, subject: string, options: CallOptions): Promise<Index> {
  const manifest = await registry.manifest(repository, referrersTag(subject), options);
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: manifest ? listedIn(contentOf(manifest), 'manifests') : [] };
}
