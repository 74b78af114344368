import { realpath } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SourceError } from './source-error.js';

/** A url that passed the guard, taken apart. `url` holds no password and is what programs are given. */
export interface GuardedUrl {
  readonly url: string;
  readonly scheme: string;
  readonly host: string;
  /** From the url; a user name is no secret. */
  readonly username: string | undefined;
  /** Set when somebody wrote a password into the url: callers refuse it or move it to a secret. */
  readonly password: string | undefined;
}

const schemes = { git: ['https', 'http', 'ssh', 'git', 'file'], svn: ['https', 'http', 'svn', 'svn+ssh', 'file'] } as const;
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is refused
const unprintable = /[\u0000-\u0020\u007f-\u00a0\u2028-\u202e\u2066-\u2069\ufeff\\]/;
const hostName = /^(\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)$/i;
const userName = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/;
const scpLike = /^([A-Za-z0-9_][A-Za-z0-9_.+-]*@)?([A-Za-z0-9_][A-Za-z0-9_.-]*):(?!\/\/|:)(.+)$/;

/**
 * Lets only urls through that mean a repository and nothing else: not an option, not `ext::`, not a path of this machine
 * (CVE-2017-1000117 and its kin). Throws `refused-url`. `user@host:path` is read as ssh for Git.
 */
export function guardUrl(kind: 'git' | 'svn', given: string): GuardedUrl {
  const refuse = (why: string): never => {
    throw new SourceError('refused-url', `source url refused: ${why}`);
  };
  if (given.length > 1000) refuse('it is longer than 1000 characters');
  if (unprintable.test(given)) refuse('it holds spaces, controls or backslashes; write them percent-encoded');
  if (given.startsWith('-')) refuse('it starts with a dash and would be read as an option');
  if (/^[a-z0-9]+::/i.test(given)) refuse('remote helpers such as ext:: are not allowed');
  const scp = kind === 'git' && !given.includes('://') ? scpLike.exec(given) : null;
  const text = scp ? `ssh://${scp[1] ?? ''}${scp[2]}/${scp[3]?.replace(/^\//, '')}` : given;
  const scheme = /^([a-z][a-z0-9+]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (!scheme) return refuse(`write it with its scheme: ${schemes[kind].join(', ')}`);
  if (!(schemes[kind] as readonly string[]).includes(scheme))
    return refuse(`the scheme ${scheme} is not one of ${schemes[kind].join(', ')}`);
  return takeApart(scheme, text, refuse);
}

function takeApart(scheme: string, text: string, refuse: (why: string) => never): GuardedUrl {
  // WHATWG parsing differs between special and other schemes; one form for all keeps the checks the same.
  const match = /^[^:]+:\/\/(?:([^/@]*)@)?([^/@]*?)(?::(\d{1,5}))?(\/[^?#]*)?$/.exec(text);
  if (!match) return refuse('it is not of the form scheme://host/path, without query and fragment');
  const [, user, host = '', port, path = '/'] = match;
  if (scheme === 'file') {
    if (user !== undefined || port !== undefined || (host !== '' && host !== 'localhost')) refuse('a file url names no host: file:///path');
  } else if (!hostName.test(host)) refuse('its host is not a plain host name or address');
  if (path.split('/').some((part) => decode(part, refuse) === '..' || decode(part, refuse).startsWith('-')))
    refuse('a part of its path is .. or starts with a dash');
  const colon = user?.indexOf(':') ?? -1;
  const username = user === undefined ? undefined : decode(colon < 0 ? user : user.slice(0, colon), refuse);
  const password = user === undefined || colon < 0 ? undefined : decode(user.slice(colon + 1), refuse);
  if (username !== undefined && username !== '' && !userName.test(username)) refuse('its user name holds odd characters');
  const login = username && (scheme === 'ssh' || scheme === 'svn+ssh') ? `${username}@` : '';
  return { url: `${scheme}://${login}${host}${port ? `:${port}` : ''}${path}`, scheme, host, username: username || undefined, password };
}

function decode(text: string, refuse: (why: string) => never): string {
  try {
    const plain = decodeURIComponent(text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL or newline hidden by percent-encoding
    if (/[\u0000-\u001f\u007f/]/.test(plain)) return refuse('it hides a control character or slash behind percent-encoding');
    return plain;
  } catch {
    return refuse('its percent-encoding is broken');
  }
}

/** Allows a `file://` url only below the folders the operator listed, after links are followed. Throws `refused-url` or `gone`. */
export async function guardFileUrl(url: string, folders: readonly string[]): Promise<void> {
  if (folders.length === 0) throw new SourceError('refused-url', 'file:// sources are off: the operator has listed no folder for them');
  const path = fileFolder(url);
  const real = await realpath(path).catch(() => undefined);
  const allowed = await Promise.all(folders.filter(isAbsolute).map((folder) => realpath(folder).catch(() => undefined)));
  const below = (at: string) => allowed.some((folder) => folder !== undefined && join(at, sep).startsWith(join(folder, sep)));
  if (real === undefined) {
    if (folders.some((folder) => join(path, sep).startsWith(join(folder, sep)))) throw new SourceError('gone', 'there is no such folder');
    throw new SourceError('refused-url', 'file:// is allowed only below the folders the operator has listed');
  }
  if (!below(real)) throw new SourceError('refused-url', 'file:// is allowed only below the folders the operator has listed');
}

/** The folder that a `file://` url means. */
export function fileFolder(url: string): string {
  return fileURLToPath(url.replace('file://localhost/', 'file:///'));
}
