import { cpuSeconds } from '../bench/processes.ts';

/** CPU seconds used so far, by process, those of its ended children among them. */
export type CpuUse = Readonly<Record<string, number>>;

/** What each process has used. One that is just being started again has used nothing yet. */
export async function cpuUse(processes: readonly { readonly name: string; readonly child: { readonly pid: number } }[]): Promise<CpuUse> {
  const own = await Promise.all(processes.map(async ({ name, child }) => [name, await cpuSeconds(child.pid).catch(() => 0)] as const));
  return Object.fromEntries(own);
}

/** What was used between two looks, largest first. Of a process that was started again in between, what the new one used. */
export function used(before: CpuUse, after: CpuUse): CpuUse {
  const spent = Object.entries(after).map(([name, seconds]) => {
    const since = seconds - (before[name] ?? 0);
    return [name, since < 0 ? seconds : since] as const;
  });
  return Object.fromEntries(spent.sort(([, one], [, other]) => other - one));
}
