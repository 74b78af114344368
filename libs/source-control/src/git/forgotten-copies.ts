import { readdir, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../mirror-lock.js';
import { removeFolder } from '../private-files.js';
import { SourceError } from '../source-error.js';

const aside = '.old-';
/** How long to wait for a process that works on a copy, in ms; then the copy is in use. */
const waitMs = 5_000;

/** Notes that a copy was used. */
export async function usedNow(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}

/** Moved aside first, so that nobody sees half of it. To be called under the copy's lock. */
export async function throwAway(path: string): Promise<void> {
  const old = `${path}${aside}${process.pid}-${Math.random().toString(36).slice(2)}`;
  await rename(path, old).catch(() => undefined);
  await removeFolder(old);
}

/** Removes copies of sources below this folder that nobody has used since then, and what a process that was killed left of one; who needs one makes it anew. */
export async function forgetCopies(dataDir: string, before: Date, signal?: AbortSignal): Promise<void> {
  const folder = join(dataDir, 'git');
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (!(await isUnused(path, before))) continue;
    if (name.includes(aside)) await removeFolder(path);
    else if (name.endsWith('.git'))
      await withLock(`${path}.lock`, waitMs, signal, async () => {
        if (await isUnused(path, before)) await throwAway(path);
      }).catch((error: unknown) => {
        if (!(error instanceof SourceError) || error.reason !== 'timeout') throw error;
      });
  }
}

async function isUnused(path: string, before: Date): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtime < before;
}
