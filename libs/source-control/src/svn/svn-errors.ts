import { presentable, SourceError, type SourceErrorReason } from '../source-error.js';

/** Subversion numbers its errors (svn_error_codes.h); what ssh and certificates say has no number. First match wins. */
const said: readonly [RegExp, SourceErrorReason, string][] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known/i,
    'host-key-changed',
    "the server's host key is not the pinned one; check it and put it into known_hosts",
  ],
  [/E230001|certificate verification failed/i, 'certificate', "the server's TLS certificate is not trusted"],
  [
    /E170001|E215004|E170013.*E215004|E175013|Permission denied \(/is,
    'authentication',
    'the server refused our credentials, or wants some',
  ],
  [/E210005|E180001|E200009|E160013|E175002.*404|E170000|E155010|E170005/is, 'gone', 'there is no such repository or folder'],
  [/E175011|E175003|E210004|E160043|E165005/i, 'not-a-repository', 'what answers there is no Subversion repository'],
  [/E175012|timed out/i, 'timeout', 'the server answered too slowly'],
  [
    /E000111|E000113|E000101|E670002|E670003|E120108|E170013|E210002|E000104|E120106|E175002/i,
    'unreachable',
    'the server can not be reached',
  ],
  [/E160006|E195002|E195012/i, 'unknown-revision', 'the repository has no such revision'],
];

/** Turns what svn printed into a typed error. */
export function svnError(stderr: string): SourceError {
  for (const [pattern, reason, message] of said)
    if (pattern.test(stderr)) return new SourceError(reason, `${message} (${presentable(stderr)})`);
  return new SourceError('errored', `svn failed: ${presentable(stderr)}`);
}
