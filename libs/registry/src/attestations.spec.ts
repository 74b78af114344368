import { describe, expect, it } from 'vitest';
import { attestationsOf, putAttestation, referrersTag } from './attestations.js';
import { digestOf, mediaTypes, type OciRegistry } from './oci-registry.js';

const image = `sha256:${'a'.repeat(64)}`;
const artifactType = 'application/vnd.dsse.envelope.v1+json';
const attestation = { artifactType, bytes: Buffer.from('{"signed":true}') };

/** A registry without a referrers interface that takes any bytes. */
function aRegistry() {
  const kept = new Map<string, Buffer>([[image, Buffer.from('{}')]]);
  const keep = (name: string, bytes: Uint8Array) => {
    kept.set(name, Buffer.from(bytes));
    kept.set(digestOf(bytes), Buffer.from(bytes));
    return digestOf(bytes);
  };
  const registry = {
    host: 'registry',
    resolve: async () => ({ mediaType: mediaTypes.ociManifest, digest: image, size: 2 }),
    referrersApi: async () => undefined,
    manifest: async (_: string, reference: string) => kept.has(reference) && { bytes: kept.get(reference) },
    blob: async (_: string, digest: string) => kept.get(digest),
    putBlob: async (_: string, bytes: Uint8Array) => keep(digestOf(bytes), bytes),
    putManifest: async (_: string, reference: string, bytes: Uint8Array) => keep(reference, bytes),
  };
  return { registry: registry as unknown as OciRegistry, push: (name: string, content: string) => keep(name, Buffer.from(content)) };
}

const found = async (registry: OciRegistry) => (await attestationsOf(registry, 'shop', image)).map(({ bytes }) => bytes.toString());

describe('an attestation where whoever may push writes what they like', () => {
  it.each(['{}', '[]', '{"manifests":{}}', '{"manifests":[null]}', '{"manifests":[{"digest":1}]}', '{"manifests":[{"digest":"../x"}]}'])(
    'is kept and found in place of an index that is %s',
    async (content) => {
      const { registry, push } = aRegistry();
      push(referrersTag(image), content);
      expect(await found(registry)).toEqual([]);
      await putAttestation(registry, 'shop', image, attestation);
      expect(await found(registry)).toEqual(['{"signed":true}']);
    },
  );

  it.each(['{}', '[]', '{"layers":{}}', '{"layers":[null]}', '{"layers":[{"digest":1}]}'])(
    'is found beside one that is %s',
    async (content) => {
      const { registry, push } = aRegistry();
      const listed = { mediaType: mediaTypes.ociManifest, size: 1, artifactType };
      push(referrersTag(image), JSON.stringify({ manifests: [{ ...listed, digest: push('theirs', content) }] }));
      await putAttestation(registry, 'shop', image, attestation);
      expect(await found(registry)).toEqual(['{"signed":true}']);
    },
  );
});
