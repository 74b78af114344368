import { readdir, readFile } from 'node:fs/promises';

/**
 * Memory of its own that a program and all it started hold, in bytes; not what they have mapped of files. 0 for what has ended, and where the system
 * does not say: only Linux does.
 */
export async function memoryOf(pid: number): Promise<number> {
  const [status, threads] = await Promise.all([textOf(`/proc/${pid}/status`), readdir(`/proc/${pid}/task`).catch(() => [])]);
  const children = await Promise.all(threads.map((thread) => textOf(`/proc/${pid}/task/${thread}/children`)));
  const below = await Promise.all(children.join(' ').split(/\s+/).filter(Boolean).map(Number).map(memoryOf));
  const own = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  return below.reduce((sum, bytes) => sum + bytes, own);
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
