import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotPrivate } from '@slipway/identity';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { SecretChanged, SecretFiles } from './index.js';

const made: string[] = [];
const key = Buffer.alloc(32, 1);
let folder: string;
let secrets: SecretFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-secrets-'));
  made.push(folder);
  secrets = new SecretFiles(folder, key);
});
afterAll(async () => {
  for (const each of made) await rm(each, { recursive: true, force: true });
});

async function put(project: string, name: string, value: string): Promise<string> {
  const file = join(folder, project, name);
  await mkdir(join(folder, project), { recursive: true, mode: 0o700 });
  await writeFile(file, value, { mode: 0o600 });
  return file;
}

async function versionOf(project: string, name: string, files = secrets): Promise<string> {
  const [found] = await files.versions(project, [name]);
  if (!found?.version) throw new Error(`${project}/${name} has no version`);
  return found.version;
}

describe('secrets as files', () => {
  it('have a version that follows the value and says nothing of it', async () => {
    await put('shop', 'db-password', 'hunter2');
    const first = await versionOf('shop', 'db-password');
    expect(first).toMatch(/^[\w-]{22}$/);
    expect(await versionOf('shop', 'db-password')).toBe(first);
    await put('shop', 'db-password', 'hunter3');
    expect(await versionOf('shop', 'db-password')).not.toBe(first);
    await put('shop', 'db-password', 'hunter2');
    expect(await versionOf('shop', 'db-password')).toBe(first);
  });

  it('have another version under another key, another name or another project, though the value is the same', async () => {
    await put('shop', 'db-password', 'hunter2');
    await put('shop', 'api-token', 'hunter2');
    await put('bank', 'db-password', 'hunter2');
    const elsewhere = new SecretFiles(folder, Buffer.alloc(32, 2));
    const versions = [
      await versionOf('shop', 'db-password'),
      await versionOf('shop', 'api-token'),
      await versionOf('bank', 'db-password'),
      await versionOf('shop', 'db-password', elsewhere),
    ];
    expect(new Set(versions).size).toBe(4);
  });

  it('have no version while there is no file', async () => {
    await put('shop', 'db-password', 'hunter2');
    expect(await secrets.versions('shop', ['absent', 'db-password'])).toEqual([
      { name: 'absent', version: null },
      { name: 'db-password', version: await versionOf('shop', 'db-password') },
    ]);
  });

  it('are read as they are, to the byte, in the version that was signed off', async () => {
    await put('shop', 'db-password', ' hunter2\n');
    expect(Buffer.from(await secrets.read('shop', 'db-password', await versionOf('shop', 'db-password'))).toString()).toBe(' hunter2\n');
  });

  it('are not handed out in any other version', async () => {
    await put('shop', 'db-password', 'hunter2');
    const signedOff = await versionOf('shop', 'db-password');
    await put('shop', 'db-password', 'hunter3');
    const changed = await secrets.read('shop', 'db-password', signedOff).catch((error: unknown) => error);
    expect(changed).toBeInstanceOf(SecretChanged);
    expect(String(changed)).toContain('another value than the one that was signed off');
    expect(String(changed)).not.toContain('hunter');
  });

  it('say where the file belongs when it is gone', async () => {
    await expect(secrets.read('shop', 'db-password', 'v1')).rejects.toThrow(`put its value into ${join(folder, 'shop', 'db-password')}`);
    await expect(secrets.read('shop', 'db-password', 'v1')).rejects.toBeInstanceOf(SecretChanged);
  });

  it('are refused where others on the machine can read them', async () => {
    const file = await put('shop', 'db-password', 'hunter2');
    const version = await versionOf('shop', 'db-password');
    await chmod(file, 0o640);
    await expect(secrets.versions('shop', ['db-password'])).rejects.toThrow(`Run: chmod 600 ${file}`);
    await expect(secrets.read('shop', 'db-password', version)).rejects.toBeInstanceOf(NotPrivate);
    await chmod(file, 0o600);
    await chmod(folder, 0o755);
    await expect(secrets.read('shop', 'db-password', version)).rejects.toThrow(`Run: chmod 700 ${folder}`);
  });
});
