import { RepositoryFile } from '@slipway/contracts';
import { LineCounter, parseDocument } from 'yaml';

/** The name of the file developers own, in the root of the repository. */
export const repositoryFileName = 'slipway.yaml';
/** Larger than any sensible one; it travels in events. */
export const repositoryFileBytes = 64 * 1024;

export type ReadFile = { readonly file: RepositoryFile | null } | { readonly problem: string };

/** Reads `slipway.yaml`; a problem names file, line and field, for the person who wrote it. No file is no problem. */
export function readRepositoryFile(bytes: Buffer | undefined): ReadFile {
  if (bytes === undefined) return { file: null };
  const lines = new LineCounter();
  const document = parseDocument(bytes.toString('utf8'), { lineCounter: lines, prettyErrors: false });
  const wrong = document.errors[0];
  if (wrong) return { problem: `${repositoryFileName}, line ${lines.linePos(wrong.pos[0]).line}: ${wrong.message}` };
  const parsed = RepositoryFile.safeParse(plain(document));
  if (parsed.success) return { file: parsed.data };
  const problems = parsed.error.issues.slice(0, 5).map((issue) => {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
    const node = document.getIn(path, true) ?? document.getIn(path.slice(0, -1), true);
    const offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? 0;
    return `${repositoryFileName}, line ${lines.linePos(offset).line}, ${path.join('.') || 'the file'}: ${issue.message}`;
  });
  return { problem: problems.join('; ').slice(0, 3000) };
}

/** Aliases may stand for a hundred nodes in all: a small file must not become a large one. */
function plain(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return 'too many aliases';
  }
}
