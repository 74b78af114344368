import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finding, PlantedTree } from './planted-tree.ts';

const work = 'async function work(): Promise<number> {\n  return 1;\n}\n';

/** Promises that get lost, each in a file of its own. */
const violations: Record<string, { text: string; rule: RegExp }> = {
  'a promise nobody waits for': { text: `${work}export function f() {\n  work();\n}\n`, rule: /no-floating-promises/ },
  'a chain without a catch': { text: `${work}export function f() {\n  work().then((n) => n + 1);\n}\n`, rule: /no-floating-promises/ },
  'file access nobody waits for': {
    text: `import { writeFile } from 'node:fs/promises';\nexport function f() {\n  writeFile('/tmp/x', '');\n}\n`,
    rule: /no-floating-promises/,
  },
  'a promise taken for a condition': {
    text: `${work}export async function f() {\n  if (work()) return 1;\n  return 2;\n}\n`,
    rule: /no-misused-promises/,
  },
  'an async function where nothing waits': {
    text: `${work}export function f(list: number[]) {\n  list.forEach(async () => {\n    await work();\n  });\n}\n`,
    rule: /no-misused-promises/,
  },
  'a promise spread into an object': {
    text: `async function work() {\n  return { a: 1 };\n}\nexport const f = () => ({ ...work() });\n`,
    rule: /no-misused-promises/,
  },
  'await of what is no promise': {
    text: 'export async function f() {\n  const n: number = 1;\n  return await n;\n}\n',
    rule: /await-thenable/,
  },
  'numbers sorted as texts': { text: 'export const f = (list: number[]) => list.sort();\n', rule: /require-array-sort-compare/ },
};

describe('the rules for promises', () => {
  let tree: PlantedTree;
  let findings: Finding[];

  beforeAll(async () => {
    const planted = Object.values(violations).map(({ text }, at) => [`libs/planted/src/p${at}.ts`, text]);
    const settings = { extends: '../../tsconfig.base.json', compilerOptions: { rootDir: 'src', outDir: 'dist' }, include: ['src/**/*.ts'] };
    const right = `${work}export async function f() {\n  await work();\n  void work();\n}\n`;
    tree = await PlantedTree.grow({
      ...Object.fromEntries(planted),
      'libs/planted/tsconfig.json': JSON.stringify(settings),
      'libs/planted/src/right.ts': right,
      'apps/.keep': '',
    });
    findings = await tree.oxlint();
  });
  afterAll(() => tree?.fell());

  it.each(Object.entries(violations).map(([name, { rule }], at) => [name, rule, at] as const))('catch %s', (_, rule, at) => {
    const said = findings.filter((found) => found.file.endsWith(`p${at}.ts`)).map((found) => found.rule);
    expect(said.join('\n')).toMatch(rule);
  });

  it('leave a promise that is waited for, or given up on purpose, alone', () => {
    expect(findings.filter((found) => found.file.endsWith('right.ts'))).toEqual([]);
  });
});
