import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises';
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
import { PulledBases } from './pulled-bases.js';
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
async function aPinnedImage(): Promise<{ id: string; reference: string }> {
  const tag = `${realParts().registry}/tidying-${aDigest().slice(-12)}:pinned`;
  const id = await anImage({ tag });
  const { digest } = await engine.images.push(tag);
  await engine.images.remove(tag);
  const reference = `${tag.slice(0, tag.lastIndexOf(':'))}@${digest}`;
  await engine.images.pull(reference);
  return { id, reference };
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
      (await aPinnedImage()).id,
      await anImage({ created: new Date().toISOString() }),
    ];
    await tidy();
    const there = await Promise.all([built, step, named, pinned, young].map(async (id) => (await engine.images.inspect(id)) !== undefined));
    expect(there).toEqual([false, false, true, true, true]);
  });

  it('is tidied by several at once: what another removed meanwhile is gone', async () => {
    const steps = await Promise.all(Array.from({ length: 8 }, () => anImage()));
    await Promise.all(Array.from({ length: 6 }, () => tidy()));
    expect(await Promise.all(steps.map((id) => engine.images.inspect(id)))).toEqual(steps.map(() => undefined));
  });

  it('keeps no old base that a build pulled by its digest, unless something uses it', async () => {
    const bases = new PulledBases(join(folder, 'bases'), engine.images);
    const [spare, used, young] = [await aPinnedImage(), await aPinnedImage(), await aPinnedImage()];
    for (const { reference } of [spare, used, young]) await bases.note(reference);
    const uses = await engine.containers.create({ name: `tidying-${aDigest().slice(-12)}`, image: used.reference, command: ['none'] });
    for (const name of await readdir(join(folder, 'bases'))) {
      const noted = await readFile(join(folder, 'bases', name), 'utf8');
      if (noted !== young.reference) await utimes(join(folder, 'bases', name), new Date(old), new Date(old));
    }
    const there = () => Promise.all([spare, used, young].map(async ({ id }) => (await engine.images.inspect(id)) !== undefined));
    await tidy();
    expect(await there()).toEqual([false, true, true]);
    await engine.containers.remove(uses);
    await tidy();
    expect(await there()).toEqual([false, false, true]);
  });

  it('is tidied where the copies of sources cannot be, as on a full disk, which is told', async () => {
    const step = await anImage();
    const full = new Error('no space left on device');
    await expect(tidy({ tidy: () => Promise.reject(full) } as unknown as SourceArchives)).rejects.toBe(full);
    expect(await engine.images.inspect(step)).toBeUndefined();
  });

  it('keeps no copies of sources from being tidied where what builds have left cannot be, which is told', async () => {
    const tidied: string[] = [];
    const sources = { tidy: async () => void tidied.push('sources') } as unknown as SourceArchives;
    const backend = new DockerImageBackend(engine, {} as Registries, sources, config());
    await rm(join(folder, 'contexts'), { recursive: true });
    await expect(backend.tidy(olderThan, AbortSignal.timeout(20_000))).rejects.toThrow('contexts');
    expect(tidied).toEqual(['sources']);
  });
});
