import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A clock that processes go by while they run: how far it is from the machine's, in seconds. */
export interface Clock {
  /** What a process that is to go by it is started with. */
  readonly env: Record<string, string>;
  /** Jumps; those who go by it notice within a second. */
  set(seconds: number): Promise<void>;
}

/** Where libfaketime is; undefined where the package faketime is not installed. */
export async function faketimeLibrary(): Promise<string | undefined> {
  for (const folder of await readdir('/usr/lib').catch(() => [])) {
    // The one for programs with several threads.
    const file = join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1');
    if (existsSync(file)) return file;
  }
  return undefined;
}

/** A clock in a file of this folder, which everybody may read. Only the time of day jumps: how long something took is measured by another clock, which no one can set. */
export async function aClock(library: string, folder: string, name: string): Promise<Clock> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const file = join(folder, name);
  const set = async (seconds: number): Promise<void> => {
    await writeFile(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`, { mode: 0o644 });
    await rename(`${file}.new`, file);
  };
  await set(0);
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    // What a file says of its own age stays true.
    NO_FAKE_STAT: '1',
  };
  return { env, set };
}
