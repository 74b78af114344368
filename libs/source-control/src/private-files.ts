import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findSecret, NotPrivate } from '@slipway/identity';
import { SourceError } from './source-error.js';

/** The environment every program gets: what finds programs, certificates and proxies, and nothing that could change what they do. */
export function cleanEnvironment(home: string): Record<string, string> {
  const kept = [
    'PATH',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'http_proxy',
    'https_proxy',
    'HTTPS_PROXY',
    'no_proxy',
    'NO_PROXY',
    'all_proxy',
    'ALL_PROXY',
    'TMPDIR',
  ];
  const env: Record<string, string> = { HOME: home, LC_ALL: 'C.UTF-8', LANGUAGE: 'C', TZ: 'UTC' };
  // biome-ignore lint/style/noProcessEnv: programs are found by the PATH of this process; nothing else of it goes on
  const own = process.env;
  for (const name of kept) if (own[name] !== undefined) env[name] = own[name];
  return env;
}

/** Writes a file only its owner can read, whole or not at all, even when several processes do so at once. */
export async function writePrivate(path: string, content: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, content, { mode });
  await chmod(temporary, mode);
  await rename(temporary, path);
}

export async function privateFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/** No run takes longer, in ms: what is older was left behind by a process that was killed. */
const longestRunMs = 24 * 60 * 60 * 1000;

/** Removes the folders of single runs that killed processes left below this one. Throws, once each was tried, where some stay. */
export async function forgetRuns(parent: string): Promise<void> {
  await forEach(await readdir(parent), async (name) => {
    const left = join(parent, name);
    const { mtimeMs } = await stat(left).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > longestRunMs) await removeFolder(left);
  });
}

/** Does this for one after the other, whatever becomes of those before; throws in the end what was thrown. */
export async function forEach(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const failed: Error[] = [];
  for (const name of names) await act(name).catch((error: Error) => failed.push(error));
  if (failed.length > 1) throw new AggregateError(failed, failed.map(({ message }) => message).join('; '));
  if (failed[0]) throw failed[0];
}

/** A new folder below this one for a single run; the caller removes it. What killed processes left there goes first. */
export async function runFolder(parent: string): Promise<string> {
  await privateFolder(parent);
  await forgetRuns(parent);
  return mkdtemp(join(parent, 'run-'));
}

const secretName = /^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/;

/** The file a source's credentials mean, `<source>/<credentials>`. Throws `authentication` naming them, never their content. */
export async function secretFile(secretsDir: string | undefined, source: string, name: string): Promise<string> {
  const fail = (why: string) => new SourceError('authentication', `the credentials "${name.slice(0, 64)}" ${why}`);
  if (!secretName.test(name)) throw fail('are not named as secrets are: lower-case letters, digits, dots and dashes');
  if (!secretName.test(source)) throw fail(`belong to a source whose name is no name of a folder: ${JSON.stringify(source.slice(0, 64))}`);
  if (!secretsDir) throw fail('can not be looked up: SLIPWAY_SECRETS_DIR is not set for this service');
  const found = await findSecret(secretsDir, join(source, name)).catch((error: Error) => {
    throw fail(error instanceof NotPrivate ? `are refused: ${error.message}` : `can not be read: ${error.message}`);
  });
  if (!found) throw fail(`are not there: put them into ${join(secretsDir, source, name)}, mode 0600`);
  if (found.size === 0 || found.size > 65_536) throw fail('are empty or larger than 64 KiB');
  return found.file;
}

/** The first line of a credential file, as `user:password`, or a token alone. */
export async function readCredential(path: string): Promise<{ username: string | undefined; password: string }> {
  const file = await open(path);
  try {
    const line = (await file.readFile('utf8')).split(/\r?\n/, 1)[0] ?? '';
    const colon = line.indexOf(':');
    return colon < 0 ? { username: undefined, password: line } : { username: line.slice(0, colon), password: line.slice(colon + 1) };
  } finally {
    await file.close();
  }
}

/** Bytes below a folder; stops counting once above `enough`. Files that vanish meanwhile count as nothing. */
export async function folderSize(path: string, enough: number): Promise<number> {
  let size = 0;
  const open = [path];
  while (open.length > 0 && size <= enough) {
    const folder = open.pop() as string;
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const at = join(folder, entry.name);
      if (entry.isDirectory()) open.push(at);
      else if (entry.isFile()) size += (await stat(at).catch(() => undefined))?.size ?? 0;
      if (size > enough) break;
    }
  }
  return size;
}

/** Ends a program's run once a folder holds more than it may. */
export function sizeWatch(path: string, limit: number, what: string): () => Promise<SourceError | undefined> {
  return async () =>
    (await folderSize(path, limit)) > limit
      ? new SourceError('too-large', `${what} is larger than the limit of ${limit} bytes`)
      : undefined;
}

/** Removes a folder and all in it; nothing when it is not there. */
export async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
