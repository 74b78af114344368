import { describe, expect, it } from 'vitest';
import { readRepositoryFile } from './repository-file.js';

const read = (text: string) => readRepositoryFile(Buffer.from(text));
const head = 'apiVersion: slipway.dev/v1\nkind: Repository\n';

describe('slipway.yaml', () => {
  it('need not be there', () => {
    expect(readRepositoryFile(undefined)).toEqual({ file: null });
  });

  it('is read', () => {
    expect(read(`${head}verify: [{http: /}]\n`)).toMatchObject({ file: { verify: [{ http: '/', expect: 200 }] } });
  });

  it.each([
    ['app:\n  prot: 1\n', /line 4, app\.prot/],
    ['app:\n  port: many\n', /line 4, app\.port/],
    ['app: {instances: 3}\n', /line 3, app\.instances/],
    ['approval: {}\n', /line 3, approval/],
    ['app: [\n', /line \d/],
    ['a: &a [x, x]\nb: [*a, *a]\n'.repeat(1), /line \d+, a/],
  ])('names file, line and field of what is wrong in %j', (text, says) => {
    const found = read(head + text);
    expect('problem' in found && found.problem).toMatch(says);
    expect('problem' in found && found.problem).toContain('slipway.yaml');
  });

  it('is not blown up by aliases', () => {
    const bomb = [
      'a0: &a0 [x,x,x,x,x,x,x,x,x,x]',
      ...Array.from({ length: 9 }, (_each, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(10)}]`),
    ].join('\n');
    const before = performance.now();
    expect(read(`${head}${bomb}\n`)).toHaveProperty('problem');
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('may be anything at all', () => {
    for (const text of ['', '42', '- a', '\u0000', '%YAML 9.9\n---\n', '{', '? x']) expect(read(text)).toHaveProperty('problem');
  });
});
