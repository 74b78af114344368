import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { attestationsOf, mediaTypes, OciRegistry, putAttestation, referrersTag, removeImage } from './index.js';

const registry = new OciRegistry({ host: process.env.SLIPWAY_REGISTRY ?? 'localhost:5000' });
const repository = `removing-spec/${randomUUID().slice(0, 8)}`;
const kept: string[] = [];
afterAll(async () => {
  for (const digest of kept) await removeImage(registry, repository, digest, async (tags) => new Set(tags));
});

const isOwn = async (tags: readonly string[]) => new Set(tags.filter((tag) => /^shop-\d+$/.test(tag)));
const artifactType = 'application/vnd.dsse.envelope.v1+json';

/** An image with its provenance beside it. */
async function anImage(tag: string): Promise<{ digest: string; attestation: string }> {
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', made: randomUUID(), rootfs: { type: 'layers', diff_ids: [] } }),
  );
  const blob = await registry.putBlob(repository, config);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: blob, size: config.length },
    layers: [],
  };
  const digest = await registry.putManifest(repository, tag, Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest);
  kept.push(digest);
  const attestation = await putAttestation(registry, repository, digest, { artifactType, bytes: Buffer.from(`{"of":"${tag}"}`) });
  return { digest, attestation: attestation as string };
}
const { ociIndex, ociManifest } = mediaTypes;
/** Sets a tag on an index of these. */
async function anIndex(tag: string, ...parts: readonly { digest: string; mediaType: string }[]): Promise<string> {
  const manifests = parts.map((part) => ({ ...part, size: 1 }));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }));
  const digest = await registry.putManifest(repository, tag, bytes, ociIndex);
  kept.push(digest);
  return digest;
}
async function tags(): Promise<string[]> {
  const found: string[] = [];
  for await (const tag of registry.tags(repository)) found.push(tag);
  return found;
}

describe('removing an image from a real registry', () => {
  it('takes its tags and attestations with it, leaves others alone, and may be done again', async () => {
    const [one, other] = [await anImage('shop-1'), await anImage('shop-2')];
    expect(await attestationsOf(registry, repository, one.digest)).toHaveLength(1);
    expect(await removeImage(registry, repository, one.digest, isOwn)).toEqual({ outcome: 'removed' });
    expect(await registry.has(repository, one.digest)).toBe(false);
    expect(await registry.has(repository, one.attestation)).toBe(false);
    expect(await registry.has(repository, referrersTag(one.digest))).toBe(false);
    expect(await tags()).not.toContain('shop-1');
    expect(await registry.has(repository, other.digest)).toBe(true);
    expect(await attestationsOf(registry, repository, other.digest)).toHaveLength(1);
    expect(await removeImage(registry, repository, one.digest, isOwn)).toEqual({ outcome: 'removed' });
    expect(await removeImage(registry, 'removing-spec/nobody', one.digest, isOwn)).toEqual({ outcome: 'removed' });
  });

  it('leaves what somebody has tagged', async () => {
    const { digest } = await anImage('shop-3');
    await registry.tagDigest(repository, digest, 'golden');
    expect(await removeImage(registry, repository, digest, isOwn)).toMatchObject({
      outcome: 'refused',
      code: 'tagged',
      message: expect.stringContaining('golden'),
    });
    expect(await registry.has(repository, digest)).toBe(true);
    expect(await attestationsOf(registry, repository, digest)).toHaveLength(1);
  });

  it('leaves what is in an index that somebody has tagged, however deep', async () => {
    const [plain, deep] = [await anImage('shop-4'), await anImage('shop-5')];
    const inner = await anIndex('shop-6', { digest: deep.digest, mediaType: ociManifest });
    await anIndex('everywhere', { digest: plain.digest, mediaType: ociManifest }, { digest: inner, mediaType: ociIndex });
    for (const { digest } of [plain, deep]) {
      const removal = await removeImage(registry, repository, digest, isOwn);
      expect(removal).toMatchObject({ code: 'tagged', message: expect.stringContaining('everywhere') });
      expect(await registry.has(repository, digest)).toBe(true);
    }
  });

  it('takes nothing with it that somebody only says to refer to it', async () => {
    const [old, running, other] = [await anImage('shop-7'), await anImage('shop-8'), await anImage('shop-9')];
    await anIndex(referrersTag(old.digest), { digest: running.digest, mediaType: ociManifest });
    expect(await removeImage(registry, repository, old.digest, isOwn)).toEqual({ outcome: 'removed' });
    await registry.tagDigest(repository, running.digest, referrersTag(other.digest));
    expect(await removeImage(registry, repository, other.digest, isOwn)).toEqual({ outcome: 'removed' });
    expect(await registry.has(repository, running.digest)).toBe(true);
  });
});
