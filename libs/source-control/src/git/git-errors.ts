import { presentable, SourceError, type SourceErrorReason } from '../source-error.js';
import type { LfsPointer } from './lfs-pointer.js';

/** What Git and its transports print, first match wins; the texts are of Git 2.39 to 2.51, curl and OpenSSH under LC_ALL=C. */
const said: readonly [RegExp, SourceErrorReason, string][] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/i,
    'host-key-changed',
    "the server's host key is not the pinned one; check it and put it into known_hosts",
  ],
  [
    /SSL certificate problem|server certificate verification failed|certificate (has expired|subject name)|SSL: no alternative certificate|unable to get local issuer/i,
    'certificate',
    "the server's TLS certificate is not trusted",
  ],
  [
    /transport '[^']*' not allowed|protocol '[^']*' (is )?not (allowed|supported)/i,
    'refused-url',
    'the server sent us on to a protocol that is not allowed',
  ],
  [
    /Authentication failed|could not read (Username|Password)|Permission denied \(|terminal prompts disabled|HTTP Basic: Access denied|returned error: 40[13]/i,
    'authentication',
    'the server refused our credentials, or wants some',
  ],
  [
    /Permissions [0-7]+ for .* are too open|bad permissions/i,
    'authentication',
    'the private key may be read by others; give its file mode 0600',
  ],
  [
    /repository .* not found|Repository not found|returned error: 404|access denied or repository not exported|no such repository|does not appear to be a git repository/i,
    'gone',
    'there is no such repository, or it is not shown to us',
  ],
  [
    /not valid: is this a git repository|not a git repository|returned error: 4\d\d|is this a git repository\?|invalid server response|protocol error|bad line length/i,
    'not-a-repository',
    'what answers there is no Git repository',
  ],
  [
    /Operation too slow|transfer closed with outstanding read data|RPC failed; curl 28|Timeout, server .* not responding|Connection timed out/i,
    'timeout',
    'the server answered too slowly',
  ],
  [
    /Could not resolve|Connection (refused|reset|closed)|Failed to connect|unable to connect|Couldn't connect|No route to host|Network is unreachable|Name or service not known|returned error: 5\d\d|early EOF|hung up unexpectedly|RPC failed|Empty reply|Could not read from remote repository/i,
    'unreachable',
    'the server can not be reached',
  ],
];

/** What git-lfs prints, first match wins; the texts are of git-lfs 3.3. */
const lfsSaid: readonly [RegExp, SourceErrorReason, string][] = [
  [
    /\[(404|410)\]|does not exist on the server|object not found|Object does not exist/i,
    'missing-lfs-file',
    'is not on the LFS server: push it there (git lfs push --all)',
  ],
  [
    /Authori[sz]ation error|Authentication required|credentials for .* not found|could not read Username|Forbidden|\[40[13]\]|Permission denied \(/i,
    'authentication',
    'is not given to us: the LFS server refused our credentials, or wants some',
  ],
  [/x509:|certificate/i, 'certificate', "can't be had: the LFS server's TLS certificate is not trusted"],
  [/missing protocol: ""/, 'missing-lfs-file', 'is not in the folder of the repository: push it there (git lfs push --all)'],
  [
    /OID mismatch|expected OID|invalid (checksum|hash)|got [0-9a-f]{64}/i,
    'missing-lfs-file',
    'is another file on the LFS server than its pointer says',
  ],
  [/timeout|deadline exceeded/i, 'timeout', "can't be had: the LFS server answered too slowly"],
  [
    /dial tcp|connection (refused|reset)|no such host|EOF|Server error|\[5\d\d\]/i,
    'unreachable',
    "can't be had: the LFS server can not be reached",
  ],
];

/** The error in what a Git printed whose LFS filter failed; undefined when it was about something else. */
export function lfsError(stderr: string, pointers: readonly LfsPointer[]): SourceError | undefined {
  const line = /^Error downloading object: .*$/m.exec(stderr)?.[0];
  if (line === undefined)
    return /smudge filter lfs failed|git-lfs/.test(stderr)
      ? new SourceError('errored', `git-lfs failed: ${presentable(stderr)}`)
      : undefined;
  const oid = /\(([0-9a-f]{64})\)/.exec(line)?.[1];
  const path = pointers.find((each) => each.oid === oid)?.path;
  const file = `the LFS file ${path === undefined ? '' : `${JSON.stringify(path)} `}(${oid?.slice(0, 12)})`;
  for (const [pattern, reason, message] of lfsSaid)
    if (pattern.test(line)) return new SourceError(reason, `${file} ${message} (${presentable(line)})`);
  return new SourceError('errored', `${file} can't be had: ${presentable(line)}`);
}

/** What damage to our own copy looks like; the copy is then thrown away and made anew. */
const damage =
  /is corrupt|corrupted|loose object .* is empty|object file .* is empty|unable to (read|unpack|map)|inflate: |bad (object|tree object|signature|packed|config)|missing (blob|tree|commit|object)|could not (get|read) |invalid sha1 pointer|packfile .* (far too short|cannot|does not)|index file .* (is|too)|did not receive expected object|Could not read|not a git repository|remote did not send all necessary objects|fatal: revision walk/i;

/** What Git says that was to hold more in one piece than we let it; one of `git-command.ts`'s settings. */
function tooLarge(stderr: string): SourceError | undefined {
  if (!/attempting to allocate \d+ over limit|Out of memory/i.test(stderr)) return undefined;
  return new SourceError('too-large', `Git was to hold more at once than it may (${presentable(stderr)})`);
}

/** Turns what a Git that talks to a server printed into a typed error. `gitDir` is our copy: what is said about that is not about the server. */
export function remoteError(stderr: string, gitDir?: string): SourceError {
  const large = tooLarge(stderr);
  if (large) return large;
  if (gitDir !== undefined && stderr.includes(gitDir) && damage.test(stderr)) return localError(stderr);
  for (const [pattern, reason, message] of said)
    if (pattern.test(stderr)) return new SourceError(reason, `${message} (${presentable(stderr)})`);
  return damage.test(stderr)
    ? new SourceError('damaged', `the local copy is damaged (${presentable(stderr)})`)
    : new SourceError('errored', `git failed: ${presentable(stderr)}`);
}

/** The same for a Git that only looked at our copy. */
export function localError(stderr: string): SourceError {
  const large = tooLarge(stderr);
  if (large) return large;
  if (damage.test(stderr)) return new SourceError('damaged', `the local copy is damaged (${presentable(stderr)})`);
  return new SourceError('errored', `git failed: ${presentable(stderr)}`);
}
