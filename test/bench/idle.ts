import { pause } from '../../tools/parts/until.ts';
import type { Suite } from '../../tools/suite/suite.ts';
import { type Place, startBareNest } from './place.ts';
import { cpuSeconds, memoryMiB } from './processes.ts';
import { type Figure, median, type Round } from './rounds.ts';

/** What was started settles for so long, in ms, before anything is counted. */
const settleMs = 30_000;

/** PB6: CPU and memory of a suite that has nothing to do, against one bare Nest process with the same clients in the same minutes. */
export async function measureIdle(
  place: Place,
  suite: Suite,
  { rounds: count, seconds, tell }: { rounds: number; seconds: number; tell: (text: string) => void },
): Promise<Figure[]> {
  const bare = await startBareNest(place);
  const pids = suite.processes.map(({ child }) => child.pid);
  await pause(settleMs);
  const cpu: Round[] = [];
  const memory: Round[] = [];
  const largest: Round[] = [];
  const each = new Map<string, number[]>();
  for (let round = 1; round <= count; round++) {
    const before = await all([bare.pid, ...pids], cpuSeconds);
    const begun = performance.now();
    await pause(seconds * 1000);
    const share = 100 / ((performance.now() - begun) / 1000);
    const [bareUsed = 0, ...used] = (await all([bare.pid, ...pids], cpuSeconds)).map(
      (after, index) => (after - (before[index] ?? 0)) * share,
    );
    const [bareMiB = 0, ...mib] = await all([bare.pid, ...pids], memoryMiB);
    cpu.push({ baseline: bareUsed, suite: sum(used) });
    memory.push({ baseline: bareMiB, suite: sum(mib) / mib.length });
    largest.push({ baseline: bareMiB, suite: Math.max(...mib) });
    for (const [index, { name }] of suite.processes.entries()) each.set(name, [...(each.get(name) ?? []), mib[index] ?? 0]);
    tell(
      `round ${round}: ${sum(used).toFixed(2)} % of a core (bare ${bareUsed.toFixed(2)} %), ${(sum(mib) / mib.length).toFixed(0)} MiB a service (bare ${bareMiB.toFixed(0)} MiB)`,
    );
  }
  await bare.stop();
  const baselineIs = 'one bare Nest process with the same clients, idle at the same time';
  const byService = [...each].map(([name, taken]) => `${name} ${median(taken).toFixed(0)}`).join(', ');
  return [
    {
      name: `idle CPU, all ${pids.length} services`,
      unit: '% of a core',
      baselineIs,
      rounds: cpu,
      atOnce: true,
      gate: { of: 'suite', most: 10, aim: 2 },
      notes: [`Over ${count} times ${seconds} s, one project polled every 60 s; the processes’ own time with that of their children`],
    },
    {
      name: 'memory a service, mean',
      unit: 'MiB',
      baselineIs,
      rounds: memory,
      atOnce: true,
      gate: { of: 'ratio', most: 2, aim: 1.4 },
      notes: [`PSS, median in MiB: ${byService}`],
    },
    {
      name: 'memory, largest service',
      unit: 'MiB',
      baselineIs,
      rounds: largest,
      atOnce: true,
      gate: { of: 'ratio', most: 2, aim: 1.4 },
      notes: [],
    },
  ];
}

async function all(pids: readonly number[], of: (pid: number) => Promise<number>): Promise<number[]> {
  return await Promise.all(pids.map(of));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
