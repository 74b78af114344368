import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallOptions } from '../source-control.js';
import type { GitCommand } from './git-command.js';
import { localError } from './git-errors.js';

/** Copies remembered at most, and revisions of each; whatever is forgotten is asked about again. */
const mostCopies = 500;
const mostRevisions = 20_000;

/**
 * What the copies of sources hold. Nothing is ever pruned from a copy, so what was found there once is there for as long as the copy is; a copy made
 * anew is another one, whoever made it.
 */
export class HeldRevisions {
  private readonly copies = new Map<string, { readonly copy: string; readonly revisions: Set<string> }>();

  constructor(private readonly git: GitCommand) {}

  /** Which of these commits a copy holds; one question for all that it was not yet seen to hold. None where there is no copy. */
  async of(path: string, revisions: readonly string[], options: CallOptions = {}): Promise<readonly string[]> {
    const seen = await this.seenIn(path);
    if (!seen) return [];
    const asked = revisions.filter((revision) => !seen.has(revision));
    if (asked.length > 0) for (const revision of await this.ask(path, asked, options)) seen.add(revision);
    const held = revisions.filter((revision) => seen.has(revision));
    if (seen.size > mostRevisions) seen.clear();
    return held;
  }

  private async ask(path: string, revisions: readonly string[], options: CallOptions): Promise<string[]> {
    const input = `${revisions.join('\n')}\n`;
    const { code, stdout, stderr } = await this.git.local(path, ['cat-file', '--batch-check'], { ...options, input });
    if (code !== 0) throw localError(stderr);
    const lines = stdout.toString('utf8').split('\n');
    return lines.flatMap((line) => /^([0-9a-f]+) commit /.exec(line)?.[1] ?? []);
  }

  private async seenIn(path: string): Promise<Set<string> | undefined> {
    const found = await stat(join(path, 'HEAD'), { bigint: true }).catch(() => undefined);
    const known = this.copies.get(path);
    this.copies.delete(path);
    if (!found) return undefined;
    const copy = `${found.ino} ${found.birthtimeNs}`;
    const revisions = known?.copy === copy ? known.revisions : new Set<string>();
    this.copies.set(path, { copy, revisions });
    const [oldest] = this.copies.keys();
    if (this.copies.size > mostCopies && oldest !== undefined) this.copies.delete(oldest);
    return revisions;
  }
}
