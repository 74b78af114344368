import { matches } from '@slipway/release';
import { SourceError } from './source-error.js';

export const branchPrefix = 'refs/heads/';
export const tagPrefix = 'refs/tags/';

// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is refused
const forbiddenInGit = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$|^\/|(^|\/)[.-]|\.lock(\/|$)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is refused
const forbiddenInPath = /[\u0000-\u001f\u007f]|(^|\/)\.{0,2}(\/|$)|^-/;

/** Throws `refused-ref` unless this is a full branch or tag ref as `git check-ref-format` allows it, and no option. */
export function checkGitRef(ref: string): void {
  const name = refName(ref);
  if (name === '' || name === '@' || ref.length > 400 || forbiddenInGit.test(name)) {
    throw new SourceError('refused-ref', `${JSON.stringify(ref.slice(0, 100))} is not a name Git allows for a branch or tag`);
  }
}

/** The same for Subversion, where the name is a path below the source's url. */
export function checkSvnRef(ref: string): void {
  const name = refName(ref);
  if (ref.length > 400 || forbiddenInPath.test(name)) {
    throw new SourceError('refused-ref', `${JSON.stringify(ref.slice(0, 100))} is not a path Subversion allows for a branch or tag`);
  }
}

/** `main` of `refs/heads/main`; throws `refused-ref` for what is neither branch nor tag. */
export function refName(ref: string): string {
  for (const prefix of [branchPrefix, tagPrefix]) if (ref.startsWith(prefix)) return ref.slice(prefix.length);
  throw new SourceError('refused-ref', `${JSON.stringify(ref.slice(0, 100))} is neither refs/heads/… nor refs/tags/…`);
}

/** True for `refs/tags/…`. */
export function isTag(ref: string): boolean {
  return ref.startsWith(tagPrefix);
}

/** True for names that match one of the patterns, as project files have them; no pattern matches nothing. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  return (name) => patterns.some((pattern) => matches(pattern, name));
}

/** Which full refs a source watches. */
export function refMatcher(wanted: { branches: readonly string[]; tags: readonly string[] }): (ref: string) => boolean {
  const branch = matcher(wanted.branches);
  const tag = matcher(wanted.tags);
  return (ref) =>
    ref.startsWith(branchPrefix) ? branch(ref.slice(branchPrefix.length)) : ref.startsWith(tagPrefix) && tag(ref.slice(tagPrefix.length));
}
