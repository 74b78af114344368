import type { CallOptions, Source } from '../source-control.js';
import { SourceError } from '../source-error.js';
import { guardUrl } from '../source-url.js';
import type { GitCommand } from './git-command.js';
import { localError } from './git-errors.js';

/** A submodule to bring along: where it lies in the tree, what to read it from. */
export interface Submodule {
  readonly path: string;
  readonly revision: string;
  readonly source: Source;
}

/**
 * The submodules of one commit. The tree says path and revision, `.gitmodules` only the url, and only for a path that is the tree's to the
 * byte: so no name or path written in that file is ever used for a file (CVE-2024-32002, CVE-2025-48384). Throws `refused-submodule`.
 */
export async function submodulesOf(
  git: GitCommand,
  gitDir: string,
  parent: Source,
  revision: string,
  options: CallOptions,
): Promise<Submodule[]> {
  const tree = await git.local(gitDir, ['ls-tree', '-r', '-z', '--end-of-options', revision], options);
  if (tree.code !== 0) throw localError(tree.stderr);
  const links = tree.stdout
    .toString('utf8')
    .split('\0')
    .map((line) => /^160000 commit ([0-9a-f]+)\t(.+)$/s.exec(line))
    .filter((match) => match !== null);
  if (links.length === 0) return [];
  const urls = await urlsByPath(git, gitDir, revision, options);
  return links.map(([, at = '', path = '']) => {
    const url = urls.get(path);
    if (!harmless(path))
      throw new SourceError('refused-submodule', `the submodule path ${JSON.stringify(path.slice(0, 100))} is not allowed`);
    if (url === undefined)
      throw new SourceError('refused-submodule', `.gitmodules has no url for the submodule ${JSON.stringify(path.slice(0, 100))}`);
    return { path, revision: at, source: sourceOf(parent, resolveUrl(parent.url, url)) };
  });
}

async function urlsByPath(git: GitCommand, gitDir: string, revision: string, options: CallOptions): Promise<Map<string, string>> {
  const { stdout } = await git.local(
    gitDir,
    ['config', `--blob=${revision}:.gitmodules`, '-z', '--get-regexp', '^submodule\\..*\\.(path|url)$'],
    { ...options, maxOutput: 1024 * 1024 },
  );
  const paths = new Map<string, string>();
  const urls = new Map<string, string>();
  for (const entry of stdout.toString('utf8').split('\0')) {
    const [key = '', ...value] = entry.split('\n');
    const dot = key.lastIndexOf('.');
    (key.endsWith('.path') ? paths : urls).set(key.slice(0, dot), value.join('\n'));
  }
  return new Map([...paths].flatMap(([name, path]) => (urls.has(name) ? [[path, urls.get(name) as string]] : [])));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a path that ends in a carriage return is the attack
const odd = /[\u0000-\u001f\u007f\\]/;

function harmless(path: string): boolean {
  const bad = (part: string) => ['', '.', '..'].includes(part) || part.toLowerCase() === '.git' || part.startsWith('-');
  return !odd.test(path) && !path.split('/').some(bad);
}

/** `../other.git` is relative to the parent's url, as Git reads it. */
export function resolveUrl(parent: string, url: string): string {
  if (!url.startsWith('./') && !url.startsWith('../')) return url;
  let base = parent.replace(/\/+$/, '');
  let rest = url;
  for (;;) {
    if (rest.startsWith('./')) rest = rest.slice(2);
    else if (rest.startsWith('../')) {
      base = base.slice(0, Math.max(base.lastIndexOf('/'), 0));
      rest = rest.slice(3);
    } else return `${base}/${rest}`;
  }
}

/** Credentials go along only to the server they were given for. */
function sourceOf(parent: Source, url: string): Source {
  const from = guardUrl('git', parent.url);
  const to = guardUrl('git', url);
  const sameServer = from.scheme === to.scheme && from.url.split('/')[2] === to.url.split('/')[2];
  const login = sameServer ? { username: parent.username, credentials: parent.credentials } : {};
  return { name: parent.name, url, branches: ['**'], tags: [], submodules: true, lfs: parent.lfs, ...login };
}
