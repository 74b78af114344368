import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Service } from '@slipway/contracts';
import { mustBePrivate } from './private-file.js';

const largestBytes = 1024 * 1024;
const advice = 'change the secret if others were on this machine';

/** Where a service's secrets are below SLIPWAY_SECRETS_DIR: a folder for each, so that none can read what only another uses. */
export function secretFolderOf(secretsDir: string, service: Service): string {
  return join(secretsDir, service);
}

/**
 * The content of the secret `path` in the folder of a service's secrets; undefined where there is no such file.
 *
 * @throws NotPrivate where others on this machine can reach the folder or the file; Error above 1 MiB.
 */
export async function readSecret(folder: string, path: string): Promise<Buffer | undefined> {
  return inFolder(folder, path, (handle, file) => contentOf(handle, file));
}

/** The file of the secret `path`, for a program that reads it by itself, and its size in bytes. Undefined and throws as {@link readSecret}. */
export async function findSecret(folder: string, path: string): Promise<{ file: string; size: number } | undefined> {
  return inFolder(folder, path, async (handle, file) => ({ file, size: (await handle.stat()).size }));
}

/** The content of a secret that a setting names by its file. Throws as {@link readSecret}, and where the file is missing. */
export async function readSecretFile(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    return await contentOf(handle, file);
  } finally {
    await handle.close();
  }
}

async function inFolder<T>(folder: string, path: string, use: (handle: FileHandle, file: string) => Promise<T>): Promise<T | undefined> {
  const file = join(folder, path);
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (!handle) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile()) return undefined;
    mustBePrivate(folder, await stat(folder), 'secrets', advice);
    mustBePrivate(file, found, 'a secret', advice);
    return await use(handle, file);
  } finally {
    await handle.close();
  }
}

async function contentOf(handle: FileHandle, file: string): Promise<Buffer> {
  const found = await handle.stat();
  mustBePrivate(file, found, 'a secret', advice);
  if (found.size > largestBytes) throw new Error(`${file} has ${found.size} bytes; a secret has ${largestBytes} at most`);
  return handle.readFile();
}
