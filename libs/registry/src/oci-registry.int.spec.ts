import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attestationsOf, digestOf, mediaTypes, OciRegistry, putAttestation, referrersTag } from './index.js';

const registry = new OciRegistry({ host: process.env.SLIPWAY_REGISTRY ?? 'localhost:5000' });
const repository = `registry-spec/${randomUUID().slice(0, 8)}`;
let digest: string;
const kept = new Set<string>();

beforeAll(async () => {
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  const layer = await registry.putBlob(repository, config);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: layer, size: config.length },
    layers: [],
  };
  digest = await registry.putManifest(repository, 'one', Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest);
  kept.add(digest);
});
afterAll(async () => {
  for await (const tag of registry.tags(repository)) kept.add((await registry.resolve(repository, tag))?.digest ?? digest);
  for (const found of kept) await registry.deleteManifest(repository, found);
});

async function all(tags: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const tag of tags) found.push(tag);
  return found;
}

describe('a real registry', () => {
  it('answers', async () => {
    await expect(registry.ping()).resolves.toBeUndefined();
  });

  it('resolves a tag and a digest to the same thing, and nothing for what is not there', async () => {
    expect(await registry.resolve(repository, 'one')).toMatchObject({ digest, mediaType: mediaTypes.ociManifest });
    expect(await registry.resolve(repository, digest)).toMatchObject({ digest });
    expect([await registry.has(repository, digest), await registry.has(repository, 'two')]).toEqual([true, false]);
    expect(await registry.resolve(repository, digestOf(Buffer.from('x')))).toBeUndefined();
    expect(await registry.resolve('registry-spec/nobody', 'one')).toBeUndefined();
  });

  it('gives a digest another tag without changing it', async () => {
    expect(await registry.tagDigest(repository, digest, 'two')).toMatchObject({ digest });
    expect(await registry.resolve(repository, 'two')).toMatchObject({ digest });
    expect(await registry.tagDigest(repository, digestOf(Buffer.from('x')), 'three')).toBeUndefined();
  });

  it('lists tags over several pages', async () => {
    await registry.tagDigest(repository, digest, 'p1');
    await registry.tagDigest(repository, digest, 'p2');
    expect(await all(registry.tags(repository, { pageSize: 1 }))).toEqual(expect.arrayContaining(['one', 'p1', 'p2']));
    expect(await all(registry.tags('registry-spec/nobody'))).toEqual([]);
  });

  it('keeps attestations beside an image, each once, written at the same time too', async () => {
    const artifactType = 'application/vnd.dsse.envelope.v1+json';
    const statements = ['a', 'b', 'c'].map((text) => ({ artifactType, bytes: Buffer.from(JSON.stringify({ text })) }));
    const stored = await Promise.all(statements.map((statement) => putAttestation(registry, repository, digest, statement)));
    const again = await putAttestation(registry, repository, digest, statements[0] as (typeof statements)[0]);
    expect(again).toBe(stored[0]);
    for (const one of stored) kept.add(one as string);
    const found = await attestationsOf(registry, repository, digest, { artifactType });
    expect(found.map(({ bytes }) => bytes.toString()).sort()).toEqual(['{"text":"a"}', '{"text":"b"}', '{"text":"c"}']);
    expect(await attestationsOf(registry, repository, digest, { artifactType: 'other' })).toEqual([]);
    expect(referrersTag(digest)).toMatch(/^sha256-[0-9a-f]{64}$/);
    expect(await putAttestation(registry, repository, digestOf(Buffer.from('x')), statements[0] as (typeof statements)[0])).toBeUndefined();
  });

  it('deletes by digest, and says when it was not there', async () => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }));
    const empty = await registry.putManifest(repository, 'empty', bytes, mediaTypes.ociIndex);
    expect(await registry.deleteManifest(repository, empty)).toBe(true);
    expect(await registry.has(repository, empty)).toBe(false);
    expect(await registry.deleteManifest(repository, empty)).toBe(false);
  });
});
