import { readdir, readFile } from 'node:fs/promises';
import { cpuSeconds } from '../bench/processes.ts';

/** CPU seconds used so far, by name: of each process with its ended children, and of all processes of a kind that are not ours to name. */
export type CpuUse = Readonly<Record<string, number>>;

/** What each of our processes has used, and Postgres and the broker, whose processes come and go. */
export async function cpuUse(processes: readonly { readonly name: string; readonly child: { readonly pid: number } }[]): Promise<CpuUse> {
  const own = await Promise.all(processes.map(async ({ name, child }) => [name, await cpuSeconds(child.pid).catch(() => 0)] as const));
  return Object.fromEntries(own);
}

/** CPU seconds of everything below a process, ended children included. */
export async function cpuOfTree(pid: number): Promise<number> {
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map(cpuOfTree));
  return below.reduce((sum, each) => sum + each, await cpuSeconds(pid).catch(() => 0));
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')));
  return texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
}

/** What was used between two looks, largest first. */
export function used(before: CpuUse, after: CpuUse): CpuUse {
  const spent = Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)] as const);
  return Object.fromEntries(spent.sort(([, one], [, other]) => other - one));
}
