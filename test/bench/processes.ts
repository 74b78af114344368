import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** Seconds of CPU a process has used so far, with those of its children that have ended: what it had others do for it counts. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // After the name, which may hold spaces: utime, stime, cutime and cstime are fields 14 to 17 of the whole line.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + Number(value), 0);
  return ticks / (await ticksASecond());
}

/** Memory of a process in MiB, shared pages counted in proportion (PSS). */
export async function memoryMiB(pid: number): Promise<number> {
  const found = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'));
  if (!found) throw new Error(`/proc/${pid}/smaps_rollup tells no Pss`);
  return Number(found[1]) / 1024;
}

let known: Promise<number> | undefined;

function ticksASecond(): Promise<number> {
  known ??= promisify(execFile)('getconf', ['CLK_TCK'], { timeout: 5000 }).then(({ stdout }) => Number(stdout));
  return known;
}
