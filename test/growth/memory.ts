import { pause } from '../../tools/parts/until.ts';
import type { Kept } from '../../tools/suite/keep-running.ts';
import { memoryMiB } from '../bench/processes.ts';

const lookMs = 10_000;
const looks = 12;
/** Two looks in a row that differ by less, in MiB a service, and it has settled. */
const sameMiB = 1;

/** Memory of each service in MiB (PSS) once it has settled: what a collection in a quiet moment gives back is no growth. */
export async function settledMemory(processes: readonly Kept[], stillWorthIt: () => void): Promise<Record<string, number>> {
  let before = await memoryOf(processes);
  for (let look = 0; look < looks; look++) {
    await pause(lookMs);
    stillWorthIt();
    const now = await memoryOf(processes);
    const settled = look > 2 && Object.entries(now).every(([name, mib]) => Math.abs(mib - (before[name] ?? 0)) < sameMiB);
    before = now;
    if (settled) break;
  }
  return before;
}

async function memoryOf(processes: readonly Kept[]): Promise<Record<string, number>> {
  return Object.fromEntries(
    await Promise.all(processes.map(async ({ name, child }) => [name, await memoryMiB(child.pid).catch(() => 0)] as const)),
  );
}
