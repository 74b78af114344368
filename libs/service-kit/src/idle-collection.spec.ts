import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** A process that fills 64 MiB, lets go of them, and then waits until they are collected, for two seconds at most. */
const program = `
import { collectWhenIdle } from ${JSON.stringify(`file://${join(import.meta.dirname, 'idle-collection.ts')}`)};
let filled = Array.from({ length: 1_000_000 }, (_, number) => ({ number }));
const full = process.memoryUsage().heapUsed;
filled = undefined;
collectWhenIdle({ everyMs: 20, quiet: 0.5 });
const end = performance.now() + 2_000;
const timer = setInterval(() => {
  const left = process.memoryUsage().heapUsed < full / 2;
  if (!left && performance.now() < end) return;
  clearInterval(timer);
  console.log(left ? 'collected' : 'kept');
}, 10);
`;
const tell = async (...flags: string[]) =>
  (await run(process.execPath, [...flags, '--no-warnings', '--input-type=module', '-e', program], { timeout: 20_000 })).stdout.trim();

describe('a process that waits', () => {
  it('gives back what it has let go of', async () => {
    expect(await tell('--expose-gc')).toBe('collected');
  });

  it('is left alone where collections can not be asked for', async () => {
    expect(await tell()).toBe('kept');
  });
});
