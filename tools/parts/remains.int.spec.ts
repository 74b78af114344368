import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { removeEngineFolder } from './remains.ts';

const run = promisify(execFile);
const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

describe('the folder of a Docker Engine of ours', () => {
  it.runIf(mayMount)('goes away with the network namespace that a container on the host network left mounted in it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-remains-'));
    const point = join(dir, 'exec/netns/default');
    try {
      await mkdir(join(dir, 'exec/netns'), { recursive: true });
      await writeFile(point, '');
      await run('mount', ['--bind', '/proc/self/ns/net', point]);
      await expect(rm(dir, { recursive: true })).rejects.toThrow(/EBUSY/);
      await removeEngineFolder(dir);
      expect(existsSync(dir)).toBe(false);
    } finally {
      await run('umount', ['--lazy', point]).catch(() => undefined);
      await rm(dir, { recursive: true, force: true });
    }
  });
});
