import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { DockerEngine } from '@slipway/docker-engine';
import { pack } from 'tar-stream';
import { label } from './labels.js';

const run = promisify(execFile);
const binaryPaths = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy', '/usr/bin/haproxy'];
const repository = 'slipway-proxy';

/** Where HAProxy is in an image: ours is made FROM scratch and has nothing but it; the official one has it elsewhere. */
export interface ProxyImage {
  readonly image: string;
  readonly entrypoint: readonly string[];
  /** Made here, so it may be taken away here. */
  readonly ours: boolean;
}

/** What is used when nothing is said and no HAProxy is installed: the long-term version of the official image. */
export const officialProxyImage = 'haproxy:lts';

/**
 * The image of the proxy: the one that was configured; else one made of this host's own haproxy and its libraries (18 MB, no shell, no
 * download); else the official one.
 */
export async function proxyImage(engine: DockerEngine, configured: string | undefined, signal?: AbortSignal): Promise<ProxyImage> {
  const call = signal === undefined ? {} : { signal };
  const binary = configured === undefined ? await installed() : undefined;
  if (binary !== undefined) return { image: await buildProxyImage(engine, binary, signal), entrypoint: [binary], ours: true };
  const image = configured ?? officialProxyImage;
  if ((await engine.images.inspect(image, call)) === undefined) await engine.images.pull(image, call);
  return { image, entrypoint: ['haproxy'], ours: false };
}

/** Whether HAProxy is installed here, and where. */
async function installed(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  for (const path of binaryPaths) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}

/** The image of a binary, by its path, size and time of change: reading and hashing 18 MB again for every environment takes time. */
const known = new Map<string, string>();

/** Makes an image FROM scratch of a binary and the libraries `ldd` names. Named for their content: made once, found again. */
export async function buildProxyImage(engine: DockerEngine, binary: string, signal?: AbortSignal): Promise<string> {
  const { size, mtimeMs } = await stat(binary);
  const key = `${binary} ${size} ${mtimeMs}`;
  const before = known.get(key);
  if (before !== undefined && (await engine.images.inspect(before)) !== undefined) return before;
  const tag = await madeOf(engine, binary, signal);
  known.set(key, tag);
  return tag;
}

async function madeOf(engine: DockerEngine, binary: string, signal?: AbortSignal): Promise<string> {
  const { stdout } = await run('ldd', [binary], { timeout: 10_000 });
  const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap((match) => (match[1] === undefined ? [] : [match[1]]));
  const files = await Promise.all([binary, ...new Set(libraries)].map(async (path) => ({ path, bytes: await readFile(path) })));
  const hash = createHash('sha256');
  for (const { path, bytes } of files) hash.update(path).update(bytes);
  const tag = `${repository}:${hash.digest('hex').slice(0, 16)}`;
  if ((await engine.images.inspect(tag)) !== undefined) return tag;
  const context = pack();
  context.entry({ name: 'Dockerfile' }, `FROM scratch\nCOPY root/ /\nENTRYPOINT ["${binary}"]\n`);
  for (const { path, bytes } of files) context.entry({ name: `root${path}`, mode: 0o755 }, bytes);
  context.finalize();
  await engine.buildImage({
    context: Readable.from(context),
    tag,
    labels: { [label.role]: 'proxy-image' },
    noCache: true,
    ...(signal && { signal }),
  });
  return tag;
}

/** Takes the image away that was made here, unless a proxy still runs from it. */
export async function dropProxyImages(engine: DockerEngine): Promise<void> {
  const used = new Set((await engine.containers.list()).map((container) => container.imageId));
  for (const image of await engine.images.list({ labels: { [label.role]: 'proxy-image' } })) {
    if (!used.has(image.id)) await engine.images.remove(image.id).catch(() => undefined);
  }
}
