import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Misused } from './exit.js';

const largest = 1024 * 1024;

/**
 * Reads a file that holds a secret.
 *
 * @throws Misused saying the `chmod` to run, where others may reach it; ENOENT stays what it is.
 */
export async function privateText(file: string, what: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new Misused(`${file} is no file, but ${what} should be in it`);
    if ((found.mode & 0o077) !== 0) throw new Misused(`${file} holds ${what}, but others can reach it. Run: chmod 600 ${file}`);
    if (found.size > largest) throw new Misused(`${file} is too large to hold ${what}`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Writes a file only this person can read (0600), whole or not at all; its folder is made (0700) where it is missing. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomUUID()}.tmp`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text, 'utf8');
    await handle.close();
    await rename(fresh, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(fresh).catch(() => undefined);
    throw error;
  }
}
