import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SourceError } from './source-error.js';

/** Times of a lock, milliseconds. */
export interface LockTimes {
  /** How often the owner says that it lives. */
  readonly beatMs: number;
  /** Without a sign of life for so long the owner counts as dead. */
  readonly staleMs: number;
}

/** A service that was killed must be at work again within 15 s, and it needs the mirror for that. */
const usual: LockTimes = { beatMs: 1_500, staleMs: 8_000 };

/**
 * Runs `work` while holding a lock file, so that two processes on one data directory never change a mirror at once. The file names its
 * owner and is touched while the work goes on; a dead owner's lock is taken over. `work` gets a signal that aborts when the lock was lost
 * (the process slept longer than the lock lives). Throws `timeout` when the lock is not free within `waitMs`.
 */
export async function withLock<T>(
  path: string,
  waitMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
  times: LockTimes = usual,
): Promise<T> {
  const owner = randomUUID();
  const until = performance.now() + waitMs;
  const silence = new Silence(times);
  while (!(await take(path, owner))) {
    await takeOverIfStale(path, silence);
    if (signal?.aborted) throw new SourceError('cancelled', 'cancelled');
    if (performance.now() > until)
      throw new SourceError('timeout', 'another process has been working on the copy of this source for too long');
    await delay(50 + Math.random() * 100);
  }
  const lost = new AbortController();
  const beat = setInterval(() => {
    keep(path, owner).then(
      (mine) => mine || lost.abort(new SourceError('cancelled', 'the lock on the copy was taken over')),
      () => undefined,
    );
  }, times.beatMs);
  try {
    return await work(signal ? AbortSignal.any([signal, lost.signal]) : lost.signal);
  } finally {
    clearInterval(beat);
    if ((await ownerOf(path)) === owner) await rm(path, { force: true });
  }
}

async function take(path: string, owner: string): Promise<boolean> {
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (!file) return false;
  await file.writeFile(owner);
  await file.close();
  return true;
}

async function keep(path: string, owner: string): Promise<boolean> {
  if ((await ownerOf(path)) !== owner) return false;
  const now = new Date();
  await utimes(path, now, now);
  return true;
}

/**
 * Tells whether the owner of a file still touches it. How old the file says it is counts only together with what we saw ourselves: clocks differ, and
 * jump, and nobody alive may be robbed for that, nor a dead owner's lock outlive him by an hour.
 */
class Silence {
  private readonly seen = new Map<string, { readonly sign: string; readonly since: number }>();

  constructor(private readonly times: LockTimes) {}

  async isDead(path: string): Promise<boolean> {
    const at = await stat(path).catch(() => undefined);
    if (!at) return false;
    const sign = `${at.ino} ${at.mtimeMs}`;
    const known = this.seen.get(path);
    if (known?.sign !== sign) {
      this.seen.set(path, { sign, since: performance.now() });
      return false;
    }
    const { beatMs, staleMs } = this.times;
    const quietMs = performance.now() - known.since;
    return quietMs >= staleMs || (quietMs >= 3 * beatMs && Date.now() - at.mtimeMs >= staleMs);
  }
}

/** Only one process may take over from one dead owner: the marker named after that owner decides which. */
async function takeOverIfStale(path: string, silence: Silence): Promise<void> {
  const seen = await ownerOf(path);
  if (seen === undefined || !(await silence.isDead(path))) return;
  const marker = `${path}.${seen || 'empty'}`;
  if (await silence.isDead(marker)) await rm(marker, { force: true });
  if (!(await take(marker, seen))) return;
  try {
    if ((await ownerOf(path)) === seen) await rm(path, { force: true });
  } finally {
    await rm(marker, { force: true });
  }
}

async function ownerOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
