import { readdir, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../mirror-lock.js';
import { forEach, removeFolder } from '../private-files.js';
import type { Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { copyName } from './copy-name.js';

const aside = '.old-';
/** How long to wait for a process that works on a copy, in ms; then the copy is in use. */
const usualWaitMs = 5_000;

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

export interface Forgetting {
  /** Whose copies stay, whenever they were used. None by default. */
  readonly but?: readonly Source[];
  readonly signal?: AbortSignal;
  readonly waitMs?: number;
}

/**
 * Removes copies of sources below this folder that nobody has used since then, and what a process that was killed left of one; who needs one makes it anew.
 * Throws, once each was tried, where some stay.
 */
export async function forgetCopies(
  dataDir: string,
  before: Date,
  { but = [], signal, waitMs = usualWaitMs }: Forgetting = {},
): Promise<void> {
  const staying = new Set(but.map(copyName));
  const folder = join(dataDir, 'git');
  await forEach(await readdir(folder).catch(() => []), async (name) => {
    const path = join(folder, name);
    if (signal?.aborted || staying.has(name) || !(await isUnused(path, before))) return;
    if (name.includes(aside)) await removeFolder(path);
    else if (name.endsWith('.git'))
      await withLock(`${path}.lock`, waitMs, signal, async () => {
        if (await isUnused(path, before)) await throwAway(path);
      }).catch((error: unknown) => {
        if (!(error instanceof SourceError) || error.reason !== 'timeout') throw error;
      });
  });
}

async function isUnused(path: string, before: Date): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtime < before;
}
