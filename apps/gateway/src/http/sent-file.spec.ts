import { ProjectFile } from '@slipway/contracts';
import { aProjectFile } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { ApiProblem } from '../api-problem.js';
import { readFile, wrongFields } from './sent-file.js';

const right = `apiVersion: slipway.dev/v1
kind: Project
metadata:
  name: shop
spec:
  source:
    git: {url: https://git.example/shop.git}
  image: {repository: registry:5000/shop}
  environments:
    - {name: test, stage: test, target: lab}
    - name: production
      stage: production
      target: lab
      after: [test]
`;

function wrong(text: string) {
  const file = readFile(text);
  const parsed = ProjectFile.safeParse(file.value);
  return parsed.success ? [] : wrongFields(parsed.error, file.locate);
}

function problem(text: string): ApiProblem {
  try {
    readFile(text);
  } catch (error) {
    if (error instanceof ApiProblem) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('a file that was sent', () => {
  it('is right where nothing is wrong', () => {
    expect(wrong(right)).toEqual([]);
  });

  it.each([
    ['a wrong value', right.replace('stage: production', 'stage: prod'), 'spec.environments.1.stage', 12],
    ['a wrong value in a flow', right.replace('target: lab}', 'target: LAB}'), 'spec.environments.0.target', 10],
    ['an unknown field where it stands', right.replace('  name: shop', '  name: shop\n  colour: red'), 'metadata.colour', 5],
    ['a missing field where it should stand', right.replace('  image: {repository: registry:5000/shop}\n', ''), 'spec.image', 5],
    ['an item of a list', right.replace('after: [test]', 'after:\n        - test\n        - stage'), 'spec.environments.1.after.1', 16],
    [
      'what is not supported yet',
      right.replace('      after: [test]', '      after: [test]\n      jobs: []'),
      'spec.environments.1.jobs',
      15,
    ],
  ])('names %s with its line', (_, text, field, line) => {
    expect(wrong(text)).toEqual([expect.objectContaining({ field, line })]);
  });

  it('says "not supported yet" of what is in the design and not built', () => {
    const [only] = wrong(right.replace('      after: [test]', '      after: [test]\n      strategy: {canary: {steps: [10]}}'));
    expect(only).toMatchObject({ field: 'spec.environments.1.strategy.canary', message: expect.stringContaining('not supported yet') });
  });

  it('says it of a test environment after production, at the name it follows', () => {
    const [only] = wrong(`${right}    - name: late\n      stage: test\n      target: lab\n      after: [production]\n`);
    expect(only).toMatchObject({ field: 'spec.environments.2.after.0', line: 18, message: expect.stringContaining('not supported yet') });
  });

  it('gives line and column in JSON too', () => {
    const text = JSON.stringify(aProjectFile(), null, 2).replace('"stage": "production"', '"stage": 7');
    expect(wrong(text)).toEqual([
      expect.objectContaining({ field: 'spec.environments.2.stage', line: expect.any(Number), column: expect.any(Number) }),
    ]);
  });

  it.each([
    ['broken YAML', 'a: [1, 2\nb: 3\n', 2],
    ['a key that comes twice', 'kind: Project\nmetadata: {}\nkind: Target\n', 3],
    ['a tag nobody knows', 'a: 1\nb: !!js/function "x"\n', 2],
  ])('refuses %s with its line', (_, text, line) => {
    const refused = problem(text);
    expect(refused.getStatus()).toBe(400);
    expect(refused.more.errors?.[0]?.line).toBe(line);
  });

  it('refuses a bomb of aliases', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f', 'g']
      .map((name, at) => `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdefg'[at]}`).join(',')}]`)
      .join('\n')}\n`;
    expect(problem(bomb).getStatus()).toBe(400);
  });

  it.each(['['.repeat(100_000), '{"a":'.repeat(50_000), '- '.repeat(100_000), '? '.repeat(100_000)])(
    'refuses a nest without end at once',
    (text) => {
      const began = performance.now();
      expect(problem(text).getStatus()).toBe(400);
      expect(performance.now() - began).toBeLessThan(100);
    },
  );
});
