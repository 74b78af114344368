import { posix } from 'node:path';
import { ContextRefused } from './errors.js';

/**
 * Makes an entry's name comparable: no leading `./`, no trailing `/`. Throws `ContextRefused` for a name that leads out of the archive
 * (`..`, absolute, NUL). The archive's own root gives an empty name.
 */
export function entryPath(name: string): string {
  if (name.startsWith('/') || name.includes('\0') || name.split('/').includes('..')) {
    throw new ContextRefused(`the source holds a file named ${JSON.stringify(name.slice(0, 200))}, which leads out of the build context`);
  }
  const path = posix.normalize(name).replace(/\/$/, '');
  return path === '.' ? '' : path;
}

/** A folder or file named in a project file, relative to what it lies in. Throws `ContextRefused` naming the field. */
export function ownPath(field: string, path: string): string {
  if (path === '' || path.startsWith('/') || path.includes('\0') || path.includes('\\') || path.split('/').includes('..')) {
    throw new ContextRefused(`build.docker.${field}: ${JSON.stringify(path.slice(0, 200))} must be a relative path without ".."`);
  }
  const clean = posix.normalize(path).replace(/\/$/, '');
  return clean === '.' ? '' : clean;
}

/** The path below a folder (`''` is the folder itself), or `undefined` when it is elsewhere. */
export function below(folder: string, path: string): string | undefined {
  if (folder === '') return path;
  if (path === folder) return '';
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : undefined;
}

/** What a context holds, as far as it matters for finding one file in it. */
export interface Contents {
  readonly files: ReadonlySet<string>;
  /** Symbolic links by path, with where they point. */
  readonly links: ReadonlyMap<string, string>;
}

/**
 * Follows symbolic links to the regular file behind a path, inside the context. Throws `ContextRefused` when it is missing, points
 * out of the context, or runs in circles.
 */
export function resolveInside(contents: Contents, what: string, path: string): string {
  let current = path;
  for (let hops = 0; hops < 40; hops++) {
    const parts = current.split('/');
    const at = parts.findIndex((_, index) => contents.links.has(parts.slice(0, index + 1).join('/')));
    if (at < 0) {
      if (contents.files.has(current)) return current;
      throw new ContextRefused(`${what} ${JSON.stringify(path)} is not in the build context`);
    }
    const link = parts.slice(0, at + 1).join('/');
    const target = contents.links.get(link) ?? '';
    const reached = posix.normalize([posix.dirname(link), target, ...parts.slice(at + 1)].join('/'));
    if (target.startsWith('/') || reached === '..' || reached.startsWith('../')) {
      throw new ContextRefused(
        `${what} ${JSON.stringify(path)}: the link ${JSON.stringify(link)} points out of the build context (${JSON.stringify(target.slice(0, 200))})`,
      );
    }
    current = reached;
  }
  throw new ContextRefused(`${what} ${JSON.stringify(path)} is a link that leads in circles`);
}
