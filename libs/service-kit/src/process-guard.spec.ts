import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Runs a program that imports the guard or the watchdog from source; resolves with how it ended. */
function running(program: string, onReady: (kill: (signal: NodeJS.Signals) => void) => void = () => undefined) {
  return new Promise<{ code: number | null; signal: string | null; output: string }>((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: import.meta.dirname, timeout: 20_000 });
    let output = '';
    const listen = (chunk: Buffer) => {
      const before = output;
      output += chunk;
      if (!before.includes('ready') && output.includes('ready')) onReady((signal) => void child.kill(signal));
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
}

const guard = `import { guardProcess } from '${join(import.meta.dirname, 'process-guard.ts')}';`;
const guarded = (stop: string) => `${guard}
  guardProcess([{ stop: ${stop}, fatal: (error, message) => console.log('fatal', message, error.message) }]);
  setInterval(() => undefined, 1000);
  console.log('ready');`;

describe('a process that is a service', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('stops gently and exits 0 on %s', async (signal) => {
    const ended = await running(guarded(`async () => console.log('stopped')`), (kill) => kill(signal));
    expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('stopped') });
  });

  it('exits 1 on a second signal', async () => {
    const ended = await running(guarded(`() => { process.kill(process.pid, 'SIGINT'); return new Promise(() => undefined); }`), (kill) =>
      kill('SIGTERM'),
    );
    expect(ended).toMatchObject({ code: 1, output: expect.stringContaining('ending at once') });
  });

  it.each([
    ['a promise is rejected', `Promise.reject(new Error('lost'));`],
    ['an error is thrown', `setImmediate(() => { throw new Error('lost'); });`],
  ])('says so, stops and exits 1 when %s and nobody listens', async (_, bug) => {
    const ended = await running(`${guarded(`async () => console.log('stopped')`)}\n${bug}`);
    expect(ended.code).toBe(1);
    expect(ended.output).toMatch(/fatal .* lost[\s\S]*stopped/);
  });

  it('is ended when its event loop stands still', async () => {
    const watchdog = `import { watchEventLoop } from '${join(import.meta.dirname, 'watchdog.ts')}';
      watchEventLoop('approval', 400);
      setTimeout(() => { for (;;); }, 100);`;
    const ended = await running(watchdog);
    expect(ended.signal).toBe('SIGKILL');
    expect(ended.output).toMatch(/"service":"approval".*the event loop stood still/);
  });

  it('is not ended while its event loop turns', async () => {
    const watchdog = `import { watchEventLoop } from '${join(import.meta.dirname, 'watchdog.ts')}';
      const stop = watchEventLoop('approval', 300);
      setTimeout(() => { stop(); console.log('alive'); }, 1500);`;
    expect(await running(watchdog)).toMatchObject({ code: 0, output: expect.stringContaining('alive') });
  });
});
