/** What people can do about a source that cannot be read, by the reason source-watcher gives. */
const mends: Record<string, string> = {
  gone: 'is the repository still there, and may Slipway see it? Else name the right one in spec.source and apply the file',
  empty: 'push a first commit',
  'no-match': 'name branches or tags that exist in spec.source and apply the file',
  authentication: 'put a password or key that is good into the secret that spec.source names under credentials',
  timeout: 'see whether the server is slow or a firewall stands between; it is tried again by itself',
  unreachable: 'see whether the server runs and its name and port are right; it is tried again by itself',
  'host-key-changed': 'find out why the server has another key; if that is right, let the known hosts of Slipway know it',
  certificate: 'renew the certificate of the server, or name its authority in SLIPWAY_SOURCE_CA_FILE',
  'not-a-repository': 'name the address of a repository in spec.source and apply the file',
  'too-large': 'raise the limit, or name fewer branches and paths in spec.source',
  'needs-git-lfs': 'install git-lfs where source-watcher and image-builder run',
};

/** What to do about a source that fails for this reason, in a sentence. */
export function sourceMend(code: string): string {
  return mends[code] ?? 'see the message; it is tried again by itself, or at once by slipway project refresh';
}
