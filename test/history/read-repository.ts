import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RepositoryCommit, RepositoryHistory } from './history.ts';

const run = promisify(execFile);
const limits = { timeout: 60_000, maxBuffer: 1 << 28 };

/** The commits of a repository, read with its own tool. `folder` is a Git work tree or bare repository, or a Subversion repository's own folder. */
export async function readRepository({
  project,
  folder,
  system = 'git',
}: {
  readonly project: string;
  readonly folder: string;
  readonly system?: 'git' | 'svn' | undefined;
}): Promise<RepositoryHistory> {
  return system === 'git' ? { project, system, ...(await readGit(folder)) } : { project, system, ...(await readSvn(folder)) };
}

/** With what a forced push took away, as long as the repository remembers it. */
async function readGit(folder: string): Promise<Pick<RepositoryHistory, 'commits' | 'refs'>> {
  const format = '%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%B%x01';
  const { stdout } = await run('git', ['-C', folder, 'log', '--all', '--reflog', `--format=${format}`], limits);
  const commits = stdout.split('\u0001').flatMap((text): RepositoryCommit[] => {
    const [revision = '', parents = '', author = '', email = '', committer = '', committerEmail = '', ...message] = text
      .trimStart()
      .split('\0');
    if (revision === '') return [];
    return [
      {
        revision,
        parents: parents === '' ? [] : parents.split(' '),
        author: { name: author, email: email || null },
        committer: { name: committer, email: committerEmail || null },
        message: message.join('\0'),
      },
    ];
  });
  const { stdout: refs } = await run('git', ['-C', folder, 'for-each-ref', '--format=%(refname) %(objectname) %(*objectname)'], limits);
  const pairs = refs
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ') as [string, string, string]);
  return { commits, refs: Object.fromEntries(pairs.map(([name, object, peeled]) => [name, peeled || object])) };
}

/** Revisions count up over the whole repository, each on the one before: more than a branch's own, never fewer. */
async function readSvn(folder: string): Promise<Pick<RepositoryHistory, 'commits' | 'refs'>> {
  const { stdout } = await run('svn', ['log', '--xml', '--non-interactive', '--', `file://${folder}`], limits);
  const commits = [...stdout.matchAll(/<logentry\s+revision="(\d+)">([\s\S]*?)<\/logentry>/g)].map(
    ([, revision = '', entry = '']): RepositoryCommit => {
      const field = (name: string) => unescaped(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(entry)?.[1] ?? '');
      return {
        revision,
        parents: Number(revision) > 1 ? [String(Number(revision) - 1)] : [],
        author: { name: field('author'), email: null },
        committer: null,
        message: field('msg'),
      };
    },
  );
  return { commits, refs: {} };
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&apos;', "'").replaceAll('&amp;', '&');
}
