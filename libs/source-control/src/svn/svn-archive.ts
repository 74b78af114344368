import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Pack, pack } from 'tar-stream';
import { removeFolder, runFolder, sizeWatch } from '../private-files.js';
import type { CallOptions, Limits, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import type { SvnCommand } from './svn-command.js';

/** Exports one revision into a private folder and streams that as a tar; the folder goes when the stream ends, however it does. */
export async function exportTar(
  svn: SvnCommand,
  dataDir: string,
  limits: Limits,
  source: Source,
  at: string,
  options: CallOptions,
): Promise<Readable> {
  const folder = await runFolder(join(dataDir, 'svn-export'));
  const tree = join(folder, 'tree');
  try {
    const watch = sizeWatch(tree, limits.archiveBytes, 'this revision');
    await svn.run(source, ['export', '--quiet', '--ignore-externals'], [at, tree], {
      ...options,
      timeoutMs: options.timeoutMs ?? limits.fetchMs,
      watch,
    });
    const late = await watch();
    if (late) throw late;
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
  const stream = Readable.from(bytes(tree), { objectMode: false });
  // Not in the generator: that is never entered when nobody begins to read.
  stream.once('close', () => void removeFolder(folder).catch(() => undefined));
  return stream;
}

async function* bytes(tree: string): AsyncGenerator<Buffer> {
  const tar = pack();
  // A read error must reach the reader of the stream, not the process.
  const filling = fill(tar, tree).catch((cause: unknown) => tar.destroy(cause as Error));
  try {
    for await (const chunk of tar) yield chunk as Buffer;
  } catch (cause) {
    throw new SourceError('errored', 'the exported files could not be read', { cause });
  } finally {
    tar.destroy();
    await filling;
  }
}

async function fill(tar: Pack, root: string): Promise<void> {
  const waiting = [''];
  while (waiting.length > 0) {
    const at = waiting.shift() as string;
    for (const entry of (await readdir(join(root, at))).sort()) {
      const name = at === '' ? entry : `${at}/${entry}`;
      await add(tar, join(root, name), name);
      if ((await lstat(join(root, name))).isDirectory()) waiting.push(name);
    }
  }
  tar.finalize();
}

async function add(tar: Pack, path: string, name: string): Promise<void> {
  const found = await lstat(path);
  // svn gives files the time of their last change, and all else the time of the export: then no two archives of a revision were alike.
  const common = { name, mtime: found.isFile() ? found.mtime : new Date(0), uid: 0, gid: 0 };
  if (found.isDirectory()) tar.entry({ ...common, name: `${name}/`, type: 'directory', mode: 0o755 });
  else if (found.isSymbolicLink()) tar.entry({ ...common, type: 'symlink', linkname: await readlink(path), mode: 0o777 });
  else if (found.isFile()) await addFile(tar, path, { ...common, size: found.size, mode: found.mode & 0o100 ? 0o755 : 0o644 });
}

async function addFile(
  tar: Pack,
  path: string,
  header: { name: string; size: number; mode: number; mtime: Date; uid: number; gid: number },
): Promise<void> {
  const file = await open(path);
  try {
    await new Promise<void>((resolve, reject) => {
      const entry = tar.entry(header, (error) => (error ? reject(error) : resolve()));
      tar.once('close', () => reject(new Error('nobody reads any more')));
      file.createReadStream({ autoClose: false }).on('error', reject).pipe(entry);
    });
  } finally {
    tar.removeAllListeners('close');
    await file.close().catch(() => undefined);
  }
}
