import { pause } from '../../tools/parts/until.ts';
import { type CpuUse, cpuUse, used } from './cpu.ts';
import type { Fleet } from './fleet.ts';
import type { Ground } from './ground.ts';
import type { Judged } from './judging.ts';
import { type Held, heldMemory } from './memory.ts';
import type { Hop, Records, Statement, TableSize } from './records.ts';
import { type Calls, robotOperator } from './robot.ts';

/** What one size was seen to cost. */
export interface SizeRun {
  readonly releases: number;
  readonly projects: number;
  /** From the first birth to the last release in production. */
  readonly wallMs: number;
  /** From the first webhook on. */
  readonly sinceToldMs: number;
  /** When so many were born and live, in seconds since they were told. */
  readonly curve: readonly { readonly s: number; readonly born: number; readonly live: number }[];
  /** Ended otherwise than in production; nothing here should. */
  readonly ended: number;
  readonly hops: readonly Hop[];
  readonly commits: number;
  readonly cpu: CpuUse;
  /** By service, afterwards. */
  readonly memory: Readonly<Record<string, Held>>;
  readonly tables: readonly TableSize[];
  readonly statements: readonly Statement[];
  readonly robot: Calls;
  /** What was still unfinished a minute later. */
  readonly left: Readonly<Record<string, number>>;
  /** Services that ended meanwhile and were started again, and how often. */
  readonly restarts: Readonly<Record<string, number>>;
  /** What is said of everything up to its end; not of the halves of a storm, which is judged as a whole. */
  readonly judged?: Judged;
}

export interface SizeWish {
  readonly ground: Ground;
  readonly fleet: Fleet;
  readonly records: Records;
  /** Those of the largest size; a smaller one takes the first of them. */
  readonly projects: readonly string[];
  readonly releases: number;
  /** No end is waited for longer than this after the last one. */
  readonly stuckMs: number;
  readonly stillWorthIt: () => void;
  readonly tell: (text: string) => void;
  /** While they are under way. */
  readonly meanwhile?: () => { stop(): Promise<void> };
}

const lookMs = 2_000;

/**
 * Founds the projects of all sizes, each with its first release in production: what a service keeps for a project is there before anything is measured,
 * and what it keeps of a release that is done shows.
 */
export async function found(wish: Omit<SizeWish, 'projects'>): Promise<readonly string[]> {
  const { fleet, records, releases, tell } = wish;
  const count = projectsOf(releases);
  const begun = await records.now();
  const robot = robotOperator(fleet);
  const projects = await fleet.found(count);
  await whenLive({ ...wish, releases: count }, begun).finally(() => robot.stop());
  tell(`${count} projects stand, each with its first release in production`);
  return projects;
}

function restartsOf({ processes }: Ground): Record<string, number> {
  return Object.fromEntries(processes.map(({ name, restarts }) => [name, restarts]));
}

function since(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const times = Object.entries(after).map(([name, restarts]) => [name, restarts - (before[name] ?? 0)] as const);
  return Object.fromEntries(times.filter(([, restarts]) => restarts > 0));
}

function projectsOf(releases: number): number {
  return Math.max(1, Math.round(Math.sqrt(releases)));
}

/** So many releases at once: in as many projects as each has lines, so that both grow with the size. */
export async function runSize(wish: SizeWish): Promise<SizeRun> {
  const { ground, fleet, records, releases, stillWorthIt, tell } = wish;
  const count = projectsOf(releases);
  const pushes = await fleet.push(wish.projects.slice(0, count), (at) => Math.floor(releases / count) + (at < releases % count ? 1 : 0));
  await records.forgetStatements();
  const [begun, commitsBefore, cpuBefore] = [await records.now(), await records.commits(), await cpuUse(ground.processes)];
  const robot = robotOperator(fleet);
  const restartsBefore = restartsOf(ground);
  const meanwhile = wish.meanwhile?.();
  const told = performance.now();
  const curve: { s: number; born: number; live: number }[] = [];
  try {
    const [ended] = await Promise.all([
      whenLive(wish, begun, (seen) => curve.push({ s: (performance.now() - told) / 1000, ...seen })),
      fleet.tell(pushes, stillWorthIt),
    ]);
    const sinceToldMs = performance.now() - told;
    const [cpu, commits] = [used(cpuBefore, await cpuUse(ground.processes)), (await records.commits()) - commitsBefore];
    await meanwhile?.stop();
    await robot.stop();
    const [wallMs, statements] = [await records.wall(begun), await records.statements()];
    tell(`${releases} releases: all live after ${(wallMs / 1000).toFixed(1)} s`);
    const left = await leftAfterAMinute(records);
    const hops = await records.hops(begun);
    const tables = await records.tables();
    const memory = await heldMemory(ground.memory, ground.processes, stillWorthIt);
    const restarts = since(restartsBefore, restartsOf(ground));
    const seen = { hops, commits, cpu, memory, tables, statements, robot: robot.calls, left, restarts };
    return { releases, projects: count, wallMs, sinceToldMs, curve, ended, ...seen };
  } finally {
    await meanwhile?.stop();
    await robot.stop();
  }
}

/** Waits until so many are live, or have ended otherwise. Gives how many did. @throws Error where nothing moves any more. */
async function whenLive(
  { records, releases, stuckMs, stillWorthIt, tell }: Omit<SizeWish, 'projects'>,
  since: Date,
  look: (seen: { born: number; live: number }) => void = () => {},
): Promise<number> {
  let movedAt = performance.now();
  let told = performance.now();
  for (let before = ''; ; await pause(lookMs)) {
    stillWorthIt();
    const { born, live, ended } = await records.progress(since);
    look({ born, live });
    if (live + ended >= releases) return ended;
    const now = `${born} born, ${live} live, ${ended} ended otherwise`;
    if (now !== before) movedAt = performance.now();
    before = now;
    if (performance.now() - told > 20_000) {
      tell(`of ${releases} releases ${now}`);
      told = performance.now();
    }
    if (performance.now() - movedAt > stuckMs)
      throw new Error(`nothing moves any more: of ${releases} releases ${now}; ${JSON.stringify(await records.left())}`);
  }
}

async function leftAfterAMinute(records: Records): Promise<Record<string, number>> {
  for (const end = performance.now() + 60_000; ; await pause(1_000)) {
    const left = await records.left();
    if (Object.keys(left).length === 0 || performance.now() > end) return left;
  }
}
