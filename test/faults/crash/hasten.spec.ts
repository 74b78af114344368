import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const module = JSON.stringify(join(import.meta.dirname, 'hasten.ts'));

it('a process that is hastened rests a moment where it would rest an hour, and as long as ever where that is not long', async () => {
  const script = `import { setTimeout as wait } from 'node:timers/promises';
    const { hasten } = await import(${module});
    hasten(20);
    const begun = performance.now();
    await Promise.all([wait(1000), wait(3600000)]);
    process.stdout.write(String(performance.now() - begun));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { timeout: 20_000 });
  expect(Number(stdout)).toBeGreaterThan(990);
});
