import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drift, type Figure, median, passes, ratios } from './rounds.ts';

const driftAtMost = 0.15;
const begin = '<!-- figures: begin, written by npm run bench -- --write -->';
const end = '<!-- figures: end -->';

/** What the figures were taken under. */
export interface Circumstances {
  readonly at: string;
  readonly machine: readonly string[];
  readonly loadBefore: string;
  readonly loadAfter: string;
  /** Share of all cores in use before the start. */
  readonly busyBefore: number;
  /** What speaks against these figures. */
  readonly doubts: readonly string[];
}

/** Figures whose baseline changed too much during the run, in words. */
export function driftingBaselines(figures: readonly Figure[]): string[] {
  return figures
    .filter((figure) => !figure.atOnce && drift(figure.rounds) > driftAtMost)
    .map(({ name, rounds }) => `the baseline of “${name}” drifted by ${(drift(rounds) * 100).toFixed(0)} % during the run`);
}

/** The report, as Markdown that also reads well on a terminal. */
export function reportOf(figures: readonly Figure[], seen: Circumstances): string {
  return [
    `Measured ${seen.at} on`,
    '',
    ...seen.machine.map((line) => `- ${line}`),
    `- load average before ${seen.loadBefore}, after ${seen.loadAfter}; ${(seen.busyBefore * 100).toFixed(0)} % of all cores in use before the start`,
    ...seen.doubts.map((doubt) => `- **Not to be trusted: ${doubt}.**`),
    '',
    '| figure | suite | baseline | ratio (min to max) | gate | aim | |',
    '|---|---|---|---|---|---|---|',
    ...figures.map(rowOf),
    '',
    ...figures.flatMap(({ name, unit, baselineIs, rounds, notes }) => [
      `**${name}**. Baseline: ${baselineIs}. Rounds, baseline/suite in ${unit}: ${rounds.map(({ baseline, suite }) => `${short(baseline)}/${short(suite)}`).join(', ')}.`,
      ...notes.map((note) => `${note}.`),
      '',
    ]),
  ].join('\n');
}

function rowOf(figure: Figure): string {
  const { name, unit, rounds, gate } = figure;
  const all = ratios(rounds);
  const bound = (value: number | undefined) => (value === undefined ? '' : gate?.of === 'ratio' ? `${value}×` : `${value} ${unit}`);
  const verdict = { true: 'kept', false: '**missed**', undefined: '' }[String(passes(figure))];
  const cells = [
    name,
    `${short(median(rounds.map(({ suite }) => suite)))} ${unit}`,
    `${short(median(rounds.map(({ baseline }) => baseline)))} ${unit}`,
    `${short(median(all))} (${short(Math.min(...all))} to ${short(Math.max(...all))})`,
    bound(gate?.most),
    bound(gate?.aim),
    verdict,
  ];
  return `| ${cells.join(' | ')} |`;
}

function short(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** Puts the report into docs/performance.md, in place of the one before. */
export async function writeDown(report: string): Promise<string> {
  const file = join(import.meta.dirname, '../../docs/performance.md');
  const page = await readFile(file, 'utf8');
  const [before, after] = [page.indexOf(begin), page.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${file} has no place for the figures: ${begin} … ${end}`);
  await writeFile(file, `${page.slice(0, before + begin.length)}\n\n${report.trim()}\n\n${page.slice(after)}`);
  return file;
}
