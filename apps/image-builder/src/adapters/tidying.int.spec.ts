import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '@slipway/docker-engine';
import type { ConfigOf } from '@slipway/service-kit';
import { aDigest, realParts } from '@slipway/testkit';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageBuilderConfig } from '../image-builder.config.js';
import { DockerImageBackend } from './docker-image-backend.js';
import type { Registries } from './registries.js';
import { SourceArchives } from './source-archives.js';

const engine = DockerEngine.connect(realParts().dockerHost);
/** Long before anything else that is on the engine. */
const old = '2001-01-01T00:00:00Z';
const olderThan = new Date('2001-02-01T00:00:00Z');
const loaded: string[] = [];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-tidying-'));
});
afterAll(async () => {
  for (const id of loaded) await engine.images.remove(id, { force: true });
  await rm(folder, { recursive: true });
});

/** Loads an image as the engine keeps it; gives its id. */
async function anImage({ created = old, labels = {}, tag }: { created?: string; labels?: object; tag?: string } = {}): Promise<string> {
  const rootfs = { type: 'layers', diff_ids: [] };
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created,
    config: { Labels: { ...labels, made: aDigest() } },
    rootfs,
  });
  const id = createHash('sha256').update(config).digest('hex');
  const tar = pack();
  tar.entry({ name: `${id}.json` }, config);
  tar.entry({ name: 'manifest.json' }, JSON.stringify([{ Config: `${id}.json`, RepoTags: tag ? [tag] : null, Layers: [] }]));
  tar.finalize();
  await new Promise<void>((resolve, reject) => {
    const headers = { 'content-type': 'application/x-tar' };
    const load = request({ socketPath: realParts().dockerSocket, path: '/images/load', method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${answer.statusCode}`))));
    });
    load.on('error', reject);
    tar.pipe(load);
  });
  loaded.push(`sha256:${id}`);
  return `sha256:${id}`;
}

/** Pulls an image as whoever pins it does: it has a digest and no tag. */
async function aPinnedImage(): Promise<string> {
  const tag = `${realParts().registry}/tidying-${aDigest().slice(-12)}:pinned`;
  const id = await anImage({ tag });
  const { digest } = await engine.images.push(tag);
  await engine.images.remove(tag);
  await engine.images.pull(`${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`);
  return id;
}

describe('the engine that builds', () => {
  const config = () =>
    ({ SLIPWAY_DATA_DIR: folder, SLIPWAY_SECRETS_DIR: folder, SLIPWAY_SOURCE_FILE_FOLDERS: [] as string[] }) as ConfigOf<
      typeof ImageBuilderConfig
    >;
  const tidy = (sources: SourceArchives = new SourceArchives(config())) =>
    new DockerImageBackend(engine, {} as Registries, sources, config()).tidy(olderThan, AbortSignal.timeout(20_000));

  it('keeps no old image that was built here or has no name; what is named, pinned or young stays', async () => {
    const name = `tidying-${aDigest().slice(-12)}`;
    const [built, step, named, pinned, young] = [
      await anImage({ labels: { 'dev.slipway.release': 'r' }, tag: `${name}:built` }),
      await anImage(),
      await anImage({ tag: `${name}:theirs` }),
      await aPinnedImage(),
      await anImage({ created: new Date().toISOString() }),
    ];
    await tidy();
    const there = await Promise.all([built, step, named, pinned, young].map(async (id) => (await engine.images.inspect(id)) !== undefined));
    expect(there).toEqual([false, false, true, true, true]);
  });

  it('is tidied where the copies of sources cannot be, as on a full disk, which is told', async () => {
    const step = await anImage();
    const full = new Error('no space left on device');
    await expect(tidy({ tidy: () => Promise.reject(full) } as unknown as SourceArchives)).rejects.toBe(full);
    expect(await engine.images.inspect(step)).toBeUndefined();
  });
});
