import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { type Entry, filterContext } from './context-filter.js';
import { below, type Contents, entryPath, ownPath, resolveInside } from './context-paths.js';
import { Cancelled, ContextRefused, LimitExceeded } from './errors.js';
import { IgnoreRules } from './ignore-rules.js';

export interface ContextOptions {
  /** Folder of the source that is the context; default `.`. */
  readonly folder?: string;
  /** Path of the Dockerfile inside the context; default `Dockerfile`. */
  readonly dockerfile?: string;
  /** Most bytes of file content that may go to the builder. */
  readonly maxBytes: number;
  /** Most bytes the whole archive may have before anything is left out; default four times `maxBytes`. */
  readonly maxArchiveBytes?: number;
  /** Most entries the archive may have; default 200,000. */
  readonly maxEntries?: number;
  /** Where the archive waits for the builder; default the system's temporary folder. */
  readonly spoolFolder?: string;
  readonly signal?: AbortSignal;
}

/** A context that was looked through and may be sent, as often as needed. */
export interface PreparedContext {
  /** The Dockerfile, links followed, as the builder must be told it. */
  readonly dockerfile: string;
  /** Size of the archive it was made from, in bytes. */
  readonly archiveBytes: number;
  /** The filtered context from its start. Fails with `LimitExceeded` when more than `maxBytes` would be sent. */
  open(): Readable;
  /** Removes what waits on disk. */
  dispose(): Promise<void>;
}

const ignoreFile = '.dockerignore';
const maxIgnoreBytes = 1024 * 1024;

/**
 * Takes a source archive (tar) and makes the context the docker CLI would send for it: the chosen folder, without what `.dockerignore`
 * leaves out. The archive goes to disk once, so that `.dockerignore` and the Dockerfile are known before the first byte is sent, wherever they
 * stand in it. Throws `ContextRefused` (bad names, Dockerfile missing or outside), `LimitExceeded`, `Cancelled`.
 */
export async function prepareContext(archive: Readable, options: ContextOptions): Promise<PreparedContext> {
  const folder = ownPath('context', options.folder ?? '.');
  const asked = ownPath('dockerfile', options.dockerfile ?? 'Dockerfile');
  const spool = await mkdtemp(join(options.spoolFolder ?? tmpdir(), 'context-'));
  const dispose = (): Promise<void> => rm(spool, { recursive: true, force: true });
  try {
    const file = join(spool, 'source.tar');
    const found = await spoolAndScan(archive, file, folder, options);
    if (!found.present) throw new ContextRefused(`build.docker.context: the folder ${JSON.stringify(folder)} is not in this revision`);
    const dockerfile = resolveInside(found, 'build.docker.dockerfile: the Dockerfile', asked);
    if (found.links.has(ignoreFile)) throw new ContextRefused(`${ignoreFile} must be a regular file, not a link`);
    const rules = IgnoreRules.parse(found.ignoreText);
    // The CLI, too, sends these two whatever the rules say; the builder takes them out again after reading.
    const keep = new Set([dockerfile, asked, ignoreFile]);
    const open = (): Readable => filterContext(createReadStream(file), { folder, keep, rules, maxBytes: options.maxBytes });
    return { dockerfile, archiveBytes: found.bytes, open, dispose };
  } catch (error) {
    await dispose();
    throw options.signal?.aborted ? new Cancelled('read the build context: cancelled', undefined, { cause: error }) : error;
  }
}

interface Found extends Contents {
  readonly files: Set<string>;
  readonly links: Map<string, string>;
  present: boolean;
  ignoreText: string;
  bytes: number;
}

async function spoolAndScan(archive: Readable, file: string, folder: string, options: ContextOptions): Promise<Found> {
  const found: Found = { files: new Set(), links: new Map(), present: folder === '', ignoreText: '', bytes: 0 };
  const maxArchive = options.maxArchiveBytes ?? options.maxBytes * 4;
  const scanner = extract();
  const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      found.bytes += chunk.length;
      if (found.bytes > maxArchive) throw new LimitExceeded('source size', `the source is larger than ${maxArchive} bytes`);
      yield chunk;
    }
  };
  const branch = new PassThrough();
  const scanned = scan(branch.pipe(scanner), folder, options.maxEntries ?? 200_000, found);
  // A scan that ends with an error ends the copy, and the other way round.
  scanned.catch((error: unknown) => archive.destroy(error as Error));
  const tee = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      if (!branch.write(chunk) && !branch.destroyed) await new Promise((resolve) => branch.once('drain', resolve).once('close', resolve));
      yield chunk;
    }
    branch.end();
  };
  try {
    await pipeline(archive, count, tee, createWriteStream(file, { mode: 0o600 }), { signal: options.signal });
  } catch (error) {
    branch.destroy();
    scanner.destroy();
    await scanned.catch(() => undefined);
    throw error;
  }
  await scanned;
  return found;
}

async function scan(entries: AsyncIterable<Entry>, folder: string, maxEntries: number, found: Found): Promise<void> {
  const allLinks = new Set<string>();
  let count = 0;
  for await (const entry of entries) {
    count += 1;
    if (count > maxEntries) throw new LimitExceeded('source entries', `the source has more than ${maxEntries} files`);
    const { header } = entry;
    const path = entryPath(header.name);
    refuseThroughLink(path, allLinks);
    if (header.type === 'symlink') allLinks.add(path);
    const inside = below(folder, path);
    if (inside === undefined) {
      entry.resume();
      continue;
    }
    found.present = true;
    if (header.type === 'symlink') found.links.set(inside, header.linkname ?? '');
    else if (header.type !== 'directory') found.files.add(inside);
    if (inside === '' && header.type !== 'directory')
      throw new ContextRefused(`build.docker.context: ${JSON.stringify(folder)} is not a folder`);
    if (inside === ignoreFile && header.type === 'file') found.ignoreText = await text(entry);
    else entry.resume();
  }
}

/** A file written through a link made before it would land somewhere else than its name says. */
function refuseThroughLink(path: string, links: ReadonlySet<string>): void {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    if (links.has(path.slice(0, at))) throw new ContextRefused(`the source holds ${JSON.stringify(path.slice(0, 200))} below a link`);
  }
  if (links.has(path)) throw new ContextRefused(`the source holds ${JSON.stringify(path.slice(0, 200))} twice, once as a link`);
}

async function text(entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of entry) {
    size += (chunk as Buffer).length;
    if (size > maxIgnoreBytes) throw new LimitExceeded(ignoreFile, `${ignoreFile} is larger than ${maxIgnoreBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
