import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DataDir, temporaryDataDir } from './data-dir.ts';
import { startRegistry } from './registry.ts';

const named = process.env['SLIPWAY_REGISTRY'];
let dataDir: DataDir;
beforeAll(async () => {
  delete process.env['SLIPWAY_REGISTRY'];
  dataDir = await temporaryDataDir('spec');
});
afterAll(async () => {
  if (named !== undefined) process.env['SLIPWAY_REGISTRY'] = named;
  await dataDir.close();
});

const digestOf = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const type = 'application/vnd.oci.image.manifest.v1+json';

async function send(url: string, method: string, body?: Buffer | string, contentType = 'application/octet-stream'): Promise<Response> {
  const answer = await fetch(url, { method, headers: { 'content-type': contentType }, ...(body === undefined ? {} : { body }) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** Pushes an image of one layer; gives the digests of manifest and layer. */
async function push(registry: string, tag: string): Promise<{ manifest: string; layer: string }> {
  const repository = `http://${registry}/v2/garbage`;
  const blob = async (bytes: Buffer) => {
    const { headers } = await send(`${repository}/blobs/uploads/`, 'POST');
    const place = new URL(headers.get('location') ?? '', `http://${registry}`);
    place.searchParams.set('digest', digestOf(bytes));
    await send(place.href, 'PUT', bytes);
    return digestOf(bytes);
  };
  const [config, layer] = [randomBytes(20), randomBytes(1000)];
  const manifest = JSON.stringify({
    ...{ schemaVersion: 2, mediaType: type },
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: await blob(config), size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: await blob(layer), size: layer.length }],
  });
  await send(`${repository}/manifests/${tag}`, 'PUT', manifest, type);
  return { manifest: digestOf(manifest), layer: digestOf(layer) };
}

function isOnDisk(digest: string): boolean {
  const hex = digest.slice('sha256:'.length);
  return existsSync(join(dataDir.path, 'registry/data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data'));
}

describe('the registry of a start', () => {
  it('frees at its next start what was removed from it, and keeps the rest', async () => {
    const first = await startRegistry(dataDir);
    const [gone, kept] = [await push(first.url, 'gone'), await push(first.url, 'kept')];
    await send(`http://${first.url}/v2/garbage/manifests/${gone.manifest}`, 'DELETE');
    expect(isOnDisk(gone.layer)).toBe(true);
    await first.stop();
    const next = await startRegistry(dataDir);
    try {
      expect([isOnDisk(gone.layer), isOnDisk(kept.layer)]).toEqual([false, true]);
      await send(`http://${next.url}/v2/garbage/blobs/${kept.layer}`, 'GET');
    } finally {
      await next.stop();
    }
  }, 60_000);
});
