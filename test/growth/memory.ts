import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pause, until } from '../../tools/parts/until.ts';
import type { Kept } from '../../tools/suite/keep-running.ts';
import { memoryMiB } from '../bench/processes.ts';

/** What a service holds in MiB once all that can be collected is. */
export interface Held {
  /** What its code can still reach: the heap after a full collection, and what hangs on it outside. A leak is here. */
  readonly live: number;
  /** PSS of the process afterwards: what V8 and malloc have not given back, besides. */
  readonly whole: number;
}

const looks = 3;
const lookMs = 5_000;
const collectedWithinMs = 30_000;
const mib = 1024 * 1024;

/**
 * What each service holds once it was asked to collect: the least of some looks, for what is under way at a moment only adds. Without asking, what is seen is
 * how long ago V8 last had a reason to collect, which on a busy machine is tens of MiB. `folder` is where the services answer (collecting.mjs).
 */
export async function heldMemory(folder: string, processes: readonly Kept[], stillWorthIt: () => void): Promise<Record<string, Held>> {
  const held: Record<string, Held> = {};
  for (let look = 0; look < looks; look++) {
    await pause(lookMs);
    for (const { name, child } of processes) {
      const now = await collected(folder, child.pid, stillWorthIt);
      const before = held[name] ?? now;
      held[name] = { live: Math.min(before.live, now.live), whole: Math.min(before.whole, now.whole) };
    }
  }
  return held;
}

async function collected(folder: string, pid: number, stillWorthIt: () => void): Promise<Held> {
  const file = join(folder, `${pid}.json`);
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const answered = async () => JSON.parse(await readFile(file, 'utf8')) as { heapUsed: number; external: number };
  const { heapUsed, external } = await until(`process ${pid} has collected`, answered, { within: collectedWithinMs, stillWorthIt });
  return { live: (heapUsed + external) / mib, whole: await memoryMiB(pid) };
}
