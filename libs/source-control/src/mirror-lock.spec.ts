import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withLock } from './mirror-lock.js';
import { reasonOf } from './source-control.contract.js';

describe('mirror lock', () => {
  let folder: string;
  let lock: string;
  const fast = { beatMs: 20, staleMs: 400 };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-lock-'));
    lock = join(folder, 'shop.lock');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('lets one work at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await readdir(folder);
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => withLock(lock, 20_000, undefined, work)));
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it("takes over a dead owner's lock, once, whoever asks", async () => {
    await writeFile(lock, 'dead');
    await utimes(lock, new Date(0), new Date(0));
    let inside = 0;
    await Promise.all(
      Array.from({ length: 6 }, () =>
        withLock(
          lock,
          10_000,
          undefined,
          async () => {
            expect(++inside).toBe(1);
            await readdir(folder);
            inside--;
          },
          fast,
        ),
      ),
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes over from a dead owner whose clock was an hour ahead', async () => {
    await writeFile(lock, 'dead');
    const ahead = new Date(Date.now() + 3_600_000);
    await utimes(lock, ahead, ahead);
    expect(await withLock(lock, 10_000, undefined, async () => 'done', fast)).toBe('done');
  });

  it('does not rob a living owner whose clock is an hour behind', async () => {
    await writeFile(lock, 'alive');
    let beats = 0;
    const behind = () => new Date(Date.now() - 3_600_000 + beats++);
    await utimes(lock, behind(), behind());
    const beating = setInterval(() => void utimes(lock, behind(), behind()), 10);
    try {
      expect(await reasonOf(withLock(lock, 600, undefined, async () => undefined, { beatMs: 100, staleMs: 400 }))).toBe('timeout');
    } finally {
      clearInterval(beating);
    }
  });

  it('tells the worker when somebody else took the lock', async () => {
    await withLock(
      lock,
      1_000,
      undefined,
      async (signal) => {
        await writeFile(lock, 'other');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        expect(signal.aborted).toBe(true);
      },
      fast,
    );
    expect(await readdir(folder)).toEqual(['shop.lock']);
  });

  it('gives up waiting', async () => {
    await writeFile(lock, 'alive');
    expect(await reasonOf(withLock(lock, 100, undefined, async () => undefined))).toBe('timeout');
  });
});
