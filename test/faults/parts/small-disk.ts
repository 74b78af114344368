import { execFile } from 'node:child_process';
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own, small enough to be filled. */
export interface SmallDisk {
  readonly path: string;
  /** Leaves no room for another byte. Gives how many it took, in MiB. */
  fill(): Promise<number>;
  /** Gives back what `fill` took. */
  free(): Promise<void>;
  remove(): Promise<void>;
}

/** Only root may mount. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

/** Mounts one in memory at this path, which is made. What is mounted in a world of its own goes away with that; else `remove`, or the sweep of its data folder, unmounts it. */
export async function aSmallDisk(path: string, mebibytes: number): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0755`, 'tmpfs', path], { timeout: 10_000 });
  const ballast = join(path, 'ballast');
  return {
    path,
    fill: async () => {
      const { bavail, bsize } = await statfs(path);
      const file = await open(ballast, 'a', 0o600);
      try {
        for (const size of [1 << 20, 4096]) {
          const chunk = Buffer.alloc(size, 1);
          for (let full = false; !full; ) {
            // A short write is the last one that fitted.
            full = await file.write(chunk).then(
              ({ bytesWritten }) => bytesWritten < size,
              (error: NodeJS.ErrnoException) => {
                if (error.code === 'ENOSPC') return true;
                throw error;
              },
            );
          }
        }
      } finally {
        await file.close();
      }
      return Math.round((bavail * bsize) / (1 << 20));
    },
    free: () => rm(ballast, { force: true }),
    remove: async () => void (await run('umount', ['--lazy', '--', path], { timeout: 10_000 })),
  };
}
