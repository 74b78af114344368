import { describe, expect, it } from 'vitest';
import { referrersTag } from './attestations.js';
import { type Manifest, mediaTypes, type OciRegistry } from './oci-registry.js';
import { removeImage } from './removing.js';

const [image, theirs] = ['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
function manifest(digest: string, mediaType: string, content: string): Manifest {
  const bytes = Buffer.from(content);
  return { digest, mediaType, bytes, size: bytes.length };
}
const isOwn = async () => new Set<string>();

/** A registry that takes any bytes, with this under a tag; what was deleted is kept. */
function aRegistry(tag: string, pushed: Manifest, listed: readonly string[] = []) {
  const deleted: string[] = [];
  const registry = {
    async *tags() {
      yield tag;
    },
    referrersApi: async () => listed.map((digest) => ({ digest })),
    manifest: async (_: string, reference: string) => (reference === tag || listed.includes(reference) ? pushed : undefined),
    deleteManifest: async (_: string, digest: string) => void deleted.push(digest),
  };
  return { deleted, registry: registry as unknown as OciRegistry };
}

describe('removing an image where somebody has pushed what is no manifest', () => {
  const broken = ['{', 'null', '{"manifests":{}}', '{"manifests":[null]}', '{"manifests":[{"digest":1}]}'];

  it.each(broken)('refuses where it may be in an index that is %s', async (content) => {
    const { deleted, registry } = aRegistry('golden', manifest(theirs, mediaTypes.ociIndex, content));
    const removal = await removeImage(registry, 'shop', image, isOwn);
    expect(removal).toMatchObject({ outcome: 'refused', code: 'tagged', message: expect.stringContaining('golden') });
    expect(deleted).toEqual([]);
  });

  it.each(broken)('takes nothing with it that refers to it by an index or a manifest that is %s', async (content) => {
    for (const [tag, type, listed] of [
      [referrersTag(image), mediaTypes.ociIndex, []],
      ['sha256-none', mediaTypes.ociManifest, [theirs]],
    ] as const) {
      const { deleted, registry } = aRegistry(tag, manifest(theirs, type, content), listed);
      expect(await removeImage(registry, 'shop', image, isOwn)).toEqual({ outcome: 'removed' });
      expect(deleted).toEqual([image]);
    }
  });
});
