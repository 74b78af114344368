import { stripVTControlCharacters } from 'node:util';
import { because, outcomeOf, type Report, type Shortcomings } from '../faults/report.ts';
import { type CaseMeta, groups } from './case.ts';

/** How a case ended. */
export interface Ended extends Pick<CaseMeta, 'id' | 'input' | 'expected' | 'provenBy' | 'notYet'> {
  /** `not tried`: what its file makes first could not be made, or the run was interrupted. */
  readonly result: 'held' | 'broken' | 'not tried' | 'not applicable yet';
  readonly outcome: string;
  readonly seconds: number;
}

/** What stands above the table. */
export interface RunOf {
  readonly at: string;
  readonly commit: string;
  readonly seconds: number;
  readonly seed: number;
  /** The words it was told after `--`, so that it can be done again. */
  readonly words: string;
}

/** It passed when every case held and was tried. `beside` is what went otherwise outside of cases: files that could not begin or tidy up. */
export function reportOf(run: RunOf, all: readonly Ended[], beside: Shortcomings): Report {
  const cases = inOrder(all);
  const which = (result: Ended['result'], was: string) =>
    cases.flatMap((each) => (each.result === result ? [`${each.id} was ${was}`] : []));
  const short = {
    amiss: [...which('broken', 'broken'), ...beside.amiss],
    missing: [...which('not tried', 'not tried'), ...beside.missing],
  };
  const outcome = outcomeOf(short);
  const name = run.words.includes('--only') ? 'attacks-some' : 'attacks';
  const json = { ...run, outcome, ...short, cases };
  return { name, outcome, json, markdown: [`# Attacks: ${outcome}`, '', ...pageOf(run, all, short)].join('\n') };
}

/** How it went, what was broken, then a table for each group in the order of the ids, and what cannot be tried yet. */
function pageOf(run: RunOf, all: readonly Ended[], short: Shortcomings): string[] {
  const of = (result: Ended['result']) => inOrder(all.filter((each) => each.result === result));
  const [held, broken, later] = [of('held'), of('broken'), of('not applicable yet')];
  const tables = Object.entries(groups).flatMap(([letter, title]) =>
    tableOf(
      `${letter}: ${title}`,
      held.filter(({ id }) => id.startsWith(letter)),
    ),
  );
  return [
    `Written by \`npm run attack -- ${run.words}\` at ${run.at}, of commit ${run.commit}, with seed ${run.seed}, in ${minutes(run.seconds)}.`,
    '',
    `**${held.length} cases held, ${broken.length} ${broken.length === 1 ? 'was' : 'were'} broken**, ${later.length} cannot be tried yet.`,
    '',
    ...because(short),
    'Numbers up to 49 are those of the list the cases were taken from; from 50 on stand those it leaves out. What an ordinary test proves too, or proves alone,',
    'names it; `npm test` runs those.',
    ...(broken.length > 0 ? tableOf('Broken', broken) : []),
    ...tables,
    ...(later.length > 0 ? laterOf(later) : []),
    '',
  ];
}

/** A text without colours and controls, and without what lies below these folders of the machine, but for the names of files in the first, the checkout. */
export function withoutPlaces(text: string, [checkout = '', ...others]: readonly string[]): string {
  const bare = stripVTControlCharacters(text)
    .replaceAll(/[^\P{C}\n\t]/gu, '')
    .replaceAll(`${checkout}/`, '');
  const without = (word: string, folder: string) => (word.includes(folder) ? `${word.slice(0, word.indexOf(folder))}…` : word);
  return bare
    .split(/([\s"'`,;)]+)/)
    .map((word) => [checkout, ...others].reduce(without, word))
    .join('');
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function inOrder(all: readonly Ended[]): Ended[] {
  return all.toSorted((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }));
}

function tableOf(title: string, rows: readonly Ended[]): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(({ id, input, expected, outcome, provenBy, seconds }) =>
    [id, cell(input), cell(expected), [cell(outcome), ...provenBy.map(proofOf)].join('<br>'), seconds.toFixed(1)].join(' | '),
  );
  return [
    '',
    `## ${title}`,
    '',
    'case | what is done | what must come of it | what came of it | seconds',
    '--- | --- | --- | --- | ---:',
    ...lines,
  ];
}

function laterOf(rows: readonly Ended[]): string[] {
  const lines = rows.map(({ id, input, expected, outcome }) => [id, cell(input), cell(expected), cell(outcome)].join(' | '));
  return [
    '',
    '## Cannot be tried yet',
    '',
    'case | what would be done | what must come of it | why not yet',
    '--- | --- | --- | ---',
    ...lines,
  ];
}

function proofOf({ file, test }: Ended['provenBy'][number]): string {
  return `[${cell(test)}](../../${file})`;
}

/** Without the breaks of a text. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function cell(text: string): string {
  return oneLine(text).replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/[[*]/g, '\\$&');
}
