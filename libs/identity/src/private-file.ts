import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { link, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Larger than any key file, small enough that a wrong path (a log, a disk) is refused and not read. */
const LARGEST = 1024 * 1024;

/** Something secret lies where others on this machine can reach it. The message names it, and the `chmod` that mends it. */
export class NotPrivate extends Error {
  override readonly name = 'NotPrivate';
}

/** @throws NotPrivate where group or others may read, write or enter what `found` was told about. */
export function mustBePrivate(path: string, found: Stats, holds: string, then: string): void {
  if ((found.mode & 0o077) === 0) return;
  const shown = (found.mode & 0o777).toString(8).padStart(4, '0');
  const mend = `chmod ${found.isDirectory() ? '700' : '600'} ${path}`;
  throw new NotPrivate(`${path} holds ${holds}, but others can reach it (mode ${shown}). Run: ${mend} — and ${then}`);
}

/**
 * Reads a file that holds a private key, after looking at the opened file itself (no other can be slipped in between).
 *
 * @throws NotPrivate saying the `chmod` to run, where group or others may read or write it.
 */
export async function readPrivateFile(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    mustBePrivate(file, found, 'a private key', 'rotate the key if others were on this machine');
    if (found.size > LARGEST) throw new Error(`${file} is ${found.size} bytes, which is no key file`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Writes a file whole or not at all, durable before it is seen; readers find the old one or the new one. */
export async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const fresh = await writeBeside(file, text, mode);
  await rename(fresh, file);
  await syncFolder(file);
}

/** Creates a file whole; false, and nothing changed, where it exists already (two processes may try at once). */
export async function createFile(file: string, text: string, mode: number): Promise<boolean> {
  const fresh = await writeBeside(file, text, mode);
  try {
    await link(fresh, file);
    await syncFolder(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(fresh);
  }
}

async function writeBeside(file: string, text: string, mode: number): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomUUID()}.tmp`;
  const handle = await open(fresh, 'wx', mode);
  try {
    await handle.writeFile(text, 'utf8');
    await handle.sync();
  } finally {
    await handle.close();
  }
  return fresh;
}

async function syncFolder(file: string): Promise<void> {
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
