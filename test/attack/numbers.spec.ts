import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { groups } from './case.ts';

/**
 * The numbers of the list that the cases were taken from, for the groups that are attacks. Those of its other groups are faults: P (Postgres), Q (the
 * broker), C (processes), D (Docker and orchestrators), T (clocks) and F (disks) are what `npm run faults` does.
 */
const list: Readonly<Record<string, readonly number[]>> = {
  W: [1, 2, 4, 6, 10, 11, 12, 13, 16, 17, 18, 20, 21, 22, 24, 25, 26, 28, 29],
  G: [1, 2, 3, 6, 7, 8, 11, 14, 15, 16],
  B: [1, 2, 4, 5, 6, 7, 8, 9, 10, 13, 14],
  R: [1, 3, 4, 6, 7],
  A: [1, 2, 3, 4, 6, 8, 9, 10, 11, 14, 16, 17],
  K: [1, 2, 3, 5, 7, 8, 11, 13, 15, 16, 17, 19],
};

async function idsOfCases(): Promise<string[]> {
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter((name) => name.endsWith('.attack.spec.ts'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) => [...text.matchAll(/(?:attack\(|notYet\(|\[)\s*'([A-Z]\d\d)',/g)].map(([, id]) => id as string));
}

describe('the cases of the attack tier', () => {
  it('have every number of the list, and each number once', async () => {
    const ids = await idsOfCases();
    const wanted = Object.entries(list).flatMap(([letter, numbers]) =>
      numbers.map((number) => `${letter}${String(number).padStart(2, '0')}`),
    );
    expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    expect(ids.filter((id) => Number(id.slice(1)) < 50 && list[id.charAt(0)] && !wanted.includes(id))).toEqual([]);
    expect(ids.filter((id) => !(id.charAt(0) in groups))).toEqual([]);
  });
});
