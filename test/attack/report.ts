import { type CaseMeta, groups } from './case.ts';

/** How a case ended. */
export interface Ended extends Pick<CaseMeta, 'id' | 'input' | 'expected' | 'provenBy' | 'notYet'> {
  readonly result: 'held' | 'broken' | 'not applicable yet';
  readonly outcome: string;
  readonly seconds: number;
}

/** What stands above the table. */
export interface RunOf {
  readonly at: string;
  readonly commit: string;
  readonly seconds: number;
}

/** The report as a page: a table for each group, in the order of the ids. */
export function pageOf(run: RunOf, all: readonly Ended[]): string {
  const count = (result: Ended['result']) => all.filter((each) => each.result === result).length;
  const tables = Object.entries(groups).map(([letter, title]) => tableOf(title, inOrder(all.filter(({ id }) => id.startsWith(letter)))));
  return [
    '# Attacks',
    '',
    `Written by \`npm run attack -- --write\` at ${run.at}, of ${run.commit}, in ${Math.round(run.seconds)} s: ${count('held')} cases held, ` +
      `${count('broken')} broken, ${count('not applicable yet')} not applicable yet.`,
    'Numbers up to 49 are those of the list the cases were taken from; from 50 on stand those it leaves out.',
    ...tables.flat(),
    '',
  ].join('\n');
}

export function inOrder(all: readonly Ended[]): Ended[] {
  return all.toSorted((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }));
}

function tableOf(title: string, rows: readonly Ended[]): string[] {
  if (rows.length === 0) return [];
  const lines = rows.map(({ id, input, expected, result, outcome, seconds }) =>
    [id, cell(input), cell(expected), result === 'held' ? cell(outcome) : `**${result}**: ${cell(outcome)}`, seconds.toFixed(1)].join(
      ' | ',
    ),
  );
  return [
    '',
    `## ${title}`,
    '',
    'id | what is done | what must come of it | what came of it | seconds',
    '--- | --- | --- | --- | ---',
    ...lines,
  ];
}

function cell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
