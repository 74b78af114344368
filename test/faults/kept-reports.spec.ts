import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Figures, keptIn, outcomeOf } from './report.ts';

const files = readdirSync(keptIn);
const names = files.flatMap((file) => /^(.+)\.json$/.exec(file)?.[1] ?? []).sort();
const read = (file: string): string => readFileSync(join(keptIn, file), 'utf8');

describe('the reports of runs that are kept in docs/reliability', () => {
  it.each(names)('%s says in figures and in words the same: what it came to and why, of which commit and by which seed', (name) => {
    const figures = JSON.parse(read(`${name}.json`)) as Figures;
    const page = read(`${name}.md`);
    expect(figures.outcome).toBe(outcomeOf(figures));
    expect(page.split('\n')[0]).toMatch(new RegExp(`^# .+: ${figures.outcome}$`));
    for (const said of [`commit ${figures.commit}`, ...figures.amiss, ...figures.missing]) expect(page).toContain(said);
    expect(page).toMatch(new RegExp(`\\bseed ${figures.seed}\\b`));
  });

  it('are each told of on the page about reliability, which tells of no other', () => {
    const page = readFileSync(join(keptIn, '../reliability.md'), 'utf8');
    const told = [...page.matchAll(/\(reliability\/([\w-]+)\.md\)/g)].map(([, name]) => name);
    expect([...new Set(told)].sort()).toEqual(names);
    expect(files.sort()).toEqual(names.flatMap((name) => [`${name}.json`, `${name}.md`]));
  });
});
