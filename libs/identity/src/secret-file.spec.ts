import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { findSecret, NotPrivate, readSecret, readSecretFile, secretFolderOf } from './index.js';

const made: string[] = [];
let folder: string;
beforeEach(async () => {
  const secretsDir = await mkdtemp(join(tmpdir(), 'slipway-secrets-'));
  made.push(secretsDir);
  folder = secretFolderOf(secretsDir, 'production-rollout');
  await mkdir(join(folder, 'shop'), { recursive: true, mode: 0o700 });
  await writeFile(join(folder, 'shop', 'db-password'), 'hunter2', { mode: 0o600 });
});
afterAll(async () => {
  for (const each of made) await rm(each, { recursive: true, force: true });
});

describe('the secrets of a service', () => {
  it('lie in a folder of its own', () => {
    expect(secretFolderOf('/run/secrets', 'approval')).toBe('/run/secrets/approval');
  });

  it('are read, and found for programs that read them by themselves', async () => {
    expect(String(await readSecret(folder, 'shop/db-password'))).toBe('hunter2');
    expect(await findSecret(folder, 'shop/db-password')).toEqual({ file: join(folder, 'shop', 'db-password'), size: 7 });
    expect(String(await readSecretFile(join(folder, 'shop', 'db-password')))).toBe('hunter2');
  });

  it.each(['shop/other', 'nobody/db-password', 'shop', 'shop/db-password/deeper'])('are absent where %s is no file', async (path) => {
    expect(await readSecret(folder, path)).toBeUndefined();
    expect(await findSecret(folder, path)).toBeUndefined();
  });

  it.each([0o640, 0o604, 0o660, 0o644])(
    'are refused in a file of mode %o, with the chmod that helps and no word of the value',
    async (mode) => {
      const file = join(folder, 'shop', 'db-password');
      await chmod(file, mode);
      const path = 'shop/db-password';
      for (const look of [() => readSecret(folder, path), () => findSecret(folder, path), () => readSecretFile(file)]) {
        const error = await look().catch((problem: unknown) => problem);
        expect(error).toBeInstanceOf(NotPrivate);
        expect(String(error)).toContain(`Run: chmod 600 ${file}`);
        expect(String(error)).not.toContain('hunter2');
      }
    },
  );

  it.each([0o750, 0o705, 0o711, 0o755])('are refused in a folder of mode %o, with the chmod that helps', async (mode) => {
    await chmod(folder, mode);
    await expect(readSecret(folder, 'shop/db-password')).rejects.toThrow(`Run: chmod 700 ${folder}`);
    await expect(findSecret(folder, 'shop/db-password')).rejects.toThrow(NotPrivate);
  });

  it('are never larger than a mebibyte', async () => {
    await writeFile(join(folder, 'shop', 'disk'), Buffer.alloc(1024 * 1024 + 1), { mode: 0o600 });
    await expect(readSecret(folder, 'shop/disk')).rejects.toThrow('1048577 bytes');
  });
});
