import { checkSvnRef, refName } from '../ref-name.js';
import type { CallOptions, Point, Source } from '../source-control.js';
import { SourceError, type SourceErrorReason } from '../source-error.js';
import { type SvnCommand, target } from './svn-command.js';
import { parseLogXml, type SvnLogEntry } from './svn-xml.js';

const revisionNumber = /^\d{1,10}$/;
/** What says nothing of the question: asking for less would not help. */
const whateverIsAsked: ReadonlySet<SourceErrorReason> = new Set(['unreachable', 'certificate', 'host-key-changed']);

/** What `svn log` tells of a folder as it was in one revision. */
export class SvnLog {
  constructor(private readonly svn: SvnCommand) {}

  /** @throws SourceError */
  async read(source: Source, point: Point, args: readonly string[], options: CallOptions): Promise<SvnLogEntry[]> {
    const { stdout } = await this.svn.run(source, ['log', '--xml', ...args], [await urlOf(this.svn, source, point)], options);
    return parseLogXml(stdout);
  }

  /**
   * What was merged counts as part of what it was merged with: who wrote it is as much its author. Not whole where the server cannot tell or not in time, and
   * where what was merged is gone, is not for us to read, or was never there: a property that anybody may write says what was merged.
   */
  async withMerged(
    source: Source,
    point: Point,
    args: readonly string[],
    options: CallOptions,
  ): Promise<{ entries: readonly SvnLogEntry[]; isWhole: boolean }> {
    try {
      const entries = await this.read(source, point, ['--use-merge-history', ...args], options);
      return { entries: [...new Map(entries.map((entry) => [entry.revision, entry])).values()], isWhole: true };
    } catch (error) {
      if (!(error instanceof SourceError) || whateverIsAsked.has(error.reason)) throw error;
      return { entries: await this.read(source, point, args, options), isWhole: false };
    }
  }

  /** Whether the folder's history has that revision; of one that is not there it has none. */
  async has(source: Source, point: Point, revision: string, options: CallOptions): Promise<boolean> {
    return (await this.whereThere(source, point, ['-r', `${revision}:${revision}`], options)).length > 0;
  }

  /** The revision in which what is this folder then was made or copied; its own where it is not there. */
  async made(source: Source, point: Point, options: CallOptions): Promise<number> {
    const args = ['-r', `1:${point.revision}`, '--quiet', '--stop-on-copy', '--limit', '1'];
    const [first] = await this.whereThere(source, point, args, options);
    return Math.min(Number(first?.revision ?? point.revision), Number(point.revision));
  }

  private async whereThere(source: Source, point: Point, args: readonly string[], options: CallOptions): Promise<SvnLogEntry[]> {
    return await this.read(source, point, args, options).catch((error: unknown) => {
      if (error instanceof SourceError && (error.reason === 'gone' || error.reason === 'unknown-revision')) return [];
      throw error;
    });
  }
}

/** A folder as it was in one revision, as svn is told of it. @throws SourceError where either is not what it says to be. */
export async function urlOf(svn: SvnCommand, source: Source, point: Point): Promise<string> {
  checkPoint(point);
  return target((await svn.guard(source)).url, refName(point.ref), point.revision);
}

/** @throws SourceError for a folder or a revision nobody has. */
export function checkPoint(point: Point): void {
  checkSvnRef(point.ref);
  if (!revisionNumber.test(point.revision))
    throw new SourceError('unknown-revision', `${JSON.stringify(point.revision.slice(0, 80))} is not a revision number`);
}
