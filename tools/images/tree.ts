import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { root } from '../suite/services.ts';

interface Locked {
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
  link?: boolean;
}

/**
 * What an image needs of a compiled checkout, as a tar stream to build from with `TREE=prepared`: the compiled rooms, the packages they use (by the lock
 * file, without those for building and testing) and the Dockerfile.
 */
export async function preparedTree(): Promise<Readable> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
  const packages = Object.entries(lock.packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.dev && !entry.optional && !entry.devOptional && !entry.link)
    .map(([path]) => path);
  const tar = pack();
  const fill = async (): Promise<void> => {
    for (const file of ['package.json', 'deploy/docker/Dockerfile', 'deploy/docker/set-up.mjs']) await addFile(tar, file);
    for (const path of packages) await addFolder(tar, path);
    for (const room of ['libs', 'apps']) {
      for (const name of await readdir(join(root, room))) await addRoom(tar, `${room}/${name}`, name);
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return tar as unknown as Readable;
}

async function addRoom(tar: Pack, path: string, name: string): Promise<void> {
  if (!(await exists(`${path}/dist`))) return;
  await addFile(tar, `${path}/package.json`);
  await addFolder(tar, `${path}/dist`);
  tar.entry({ name: `node_modules/@slipway/${name}`, type: 'symlink', linkname: `../../${path}` });
}

/** A folder without packages nested in it: the lock file lists those by themselves. */
async function addFolder(tar: Pack, path: string): Promise<void> {
  for (const entry of await readdir(join(root, path), { withFileTypes: true })) {
    const inside = `${path}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== 'node_modules') await addFolder(tar, inside);
    else if (entry.isFile()) await addFile(tar, inside);
    else if (entry.isSymbolicLink()) tar.entry({ name: inside, type: 'symlink', linkname: await readlink(join(root, inside)) });
  }
}

async function addFile(tar: Pack, path: string): Promise<void> {
  const { size, mode } = await lstat(join(root, path));
  const entry = tar.entry({ name: path, size, mode: mode & 0o111 ? 0o755 : 0o644, mtime: new Date(0) });
  await pipeline(createReadStream(join(root, path)), entry);
}

async function exists(path: string): Promise<boolean> {
  return lstat(join(root, path)).then(
    () => true,
    () => false,
  );
}
