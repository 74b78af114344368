import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder of the user's cache: what is in it may be deleted at any time and is fetched or made again. */
export async function cacheDir(name: string): Promise<string> {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const dir = join(base, 'slipway', name);
  await mkdir(dir, { recursive: true });
  return dir;
}

/** Twelve hexadecimal digits that stand for a text, for names of folders. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
