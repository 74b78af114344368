import type { CommitRecord, Identity } from '../source-control.js';

/** One record a commit, fields ended by NUL, which no commit can hold: id, parents, author, committer, time, co-authors, message. */
export const logFormat =
  '--format=tformat:%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%cI%x00%(trailers:key=Co-authored-by,valueonly=true,unfold=true,separator=%x01)%x00%B';
const fields = 9;

/** Reads what `git log -z` printed in that format. */
export function parseLog(printed: string): CommitRecord[] {
  const values = printed.split('\0');
  const commits: CommitRecord[] = [];
  for (let at = 0; at + fields <= values.length; at += fields) {
    const [
      revision = '',
      parents = '',
      author = '',
      authorMail = '',
      committer = '',
      committerMail = '',
      time = '',
      coAuthors = '',
      message = '',
    ] = values.slice(at, at + fields);
    commits.push({
      revision,
      parents: parents.split(' ').filter(Boolean),
      author: identity(author, authorMail),
      committer: identity(committer, committerMail),
      coAuthors: coAuthors
        .split('\u0001')
        .map(parseIdentity)
        .filter((found) => found !== undefined),
      message: clip(message.trimEnd(), 4000),
      time: toUtc(time),
    });
  }
  return commits;
}

/** `Name <mail>` as trailers write it; a name or a mail alone will do. */
export function parseIdentity(text: string): Identity | undefined {
  const match = /^([^<]*)<([^>]*)>/.exec(text);
  const name = (match ? match[1] : text)?.trim() ?? '';
  const email = match?.[2]?.trim() ?? '';
  return name === '' && email === '' ? undefined : identity(name || email, email);
}

function identity(name: string, email: string): Identity {
  return { name: clip(name, 300), email: email === '' ? null : clip(email, 300) };
}

/** Cuts without leaving half of a surrogate pair. */
export function clip(text: string, most: number): string {
  return text.length <= most ? text : text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
}

/** Commits may claim any time at all; what no calendar knows counts as the beginning of time. */
export function toUtc(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0
    ? '1970-01-01T00:00:00.000Z'
    : date.toISOString();
}
