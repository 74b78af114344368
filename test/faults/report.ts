import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Verdict } from '../history/index.ts';
import type { Durations } from './crash/recovery.ts';

/** `incomplete`: nothing was found amiss, but something that was to be looked at was not. */
export type Outcome = 'passed' | 'not passed' | 'incomplete';

/** A report for machines and for people. */
export interface Report {
  /** Of its files. What looked at a part only has a name of its own: it never takes the place of what looked at the whole. */
  readonly name: string;
  readonly outcome: Outcome;
  readonly json: Figures;
  readonly markdown: string;
}

/** What a program ends with: nothing that was left out is ever silently fine. */
export const exitCodes: Readonly<Record<Outcome, number>> = { passed: 0, 'not passed': 1, incomplete: 3 };

/** What did not go as it has to, and what was not looked at, each in a sentence. */
export interface Shortcomings {
  readonly amiss: readonly string[];
  readonly missing: readonly string[];
}

/** What the figures of every report have, whatever they are of. */
export interface Figures extends Shortcomings, Pick<Circumstances, 'at' | 'commit'> {
  readonly seed: number;
  readonly outcome: Outcome;
}

export function outcomeOf({ amiss, missing }: Shortcomings): Outcome {
  if (amiss.length > 0) return 'not passed';
  return missing.length > 0 ? 'incomplete' : 'passed';
}

/** The sentences a report begins with: why it did not pass, or what it lacks. */
export function because({ amiss, missing }: Shortcomings): string[] {
  const lines = [...amiss.map((why) => `- **${why}**`), ...missing.map((why) => `- **Not looked at:** ${why}`)];
  return lines.length === 0 ? [] : [...lines, ''];
}

/** Where reports are kept. */
export const keptIn = join(import.meta.dirname, '../../docs/reliability');

/** Gives the files. */
export async function writeReport({ name, json, markdown }: Report, folder = keptIn): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = [join(folder, `${name}.json`), join(folder, `${name}.md`)] as const;
  await writeFile(files[0], `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(files[1], markdown);
  return [...files];
}

/** A table of Markdown. */
export function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${heads.map(() => '---').join('|')}|`, ...rows.map(line), ''];
}

/** What of the promises was not kept, each in a sentence. */
export function amissOf({ findings }: Verdict, drainedMs: number | undefined): string[] {
  const broken = findings.filter(({ state }) => state === 'broken');
  return [
    ...broken.map(({ promise, title, breaches }) => `Promise ${promise} was broken ${breaches.length} times: ${title}`),
    ...(drainedMs === undefined ? ['Something was left to do a minute after the last fault'] : []),
  ];
}

/** Which of them were not held against everything they rest on. */
export function unexaminedOf({ findings }: Verdict): string[] {
  return findings.flatMap(({ promise, title, unexamined }) =>
    unexamined === undefined ? [] : [`promise ${promise}, ${title}: ${unexamined}`],
  );
}

export function promisesTable({ findings }: Verdict): string[] {
  return table(
    ['promise', '', 'examined', 'state'],
    findings.map(({ promise, title, counts, state, breaches, unexamined }) => [
      promise,
      title,
      told(counts),
      `${state === 'broken' ? `**broken** ${breaches.length} times` : state}${unexamined === undefined ? '' : `: ${unexamined}`}`,
    ]),
  );
}

/** As `3 held, 1 broken`. */
export function told(counts: Readonly<Record<string, number>>): string {
  return (
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ') || 'none'
  );
}

/** As `2.1 s`. */
export function seconds(ms: number | undefined): string {
  return ms === undefined ? 'not measured' : `${(ms / 1000).toFixed(1)} s`;
}

export function durations(all: Durations | undefined): string {
  if (all === undefined) return 'not measured';
  return `median ${seconds(all.medianMs)}, at most ${seconds(all.mostMs)} (${all.count} measured)`;
}

export interface Circumstances {
  readonly at: string;
  readonly commit: string;
  readonly machine: string;
}

export async function circumstances(): Promise<Circumstances> {
  const git = async (...words: string[]) =>
    (await promisify(execFile)('git', ['-C', import.meta.dirname, ...words], { timeout: 10_000 })).stdout.trim();
  const commit = await git('rev-parse', '--short', 'HEAD').catch(() => 'unknown');
  const changed = await git('status', '--porcelain', '--untracked-files=no', '--', ':/apps', ':/libs').catch(() => '');
  const processors = cpus();
  const machine = `${processors.length} × ${processors[0]?.model ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(1)} GiB, Linux ${release()}, Node ${process.versions.node}`;
  const at = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return { at, commit: changed === '' ? commit : `${commit} with changes in ${changed.split('\n').length} files`, machine };
}
