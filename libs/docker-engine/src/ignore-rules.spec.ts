import dockerignore from '@balena/dockerignore';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ContextRefused } from './errors.js';
import { IgnoreRules } from './ignore-rules.js';

const ignores = (rules: string, path: string): boolean => IgnoreRules.parse(rules).ignores(path);

describe('.dockerignore', () => {
  it.each([
    ['node_modules', 'node_modules', true],
    ['node_modules', 'node_modules/a/b.js', true],
    ['node_modules', 'web/node_modules', false],
    ['**/node_modules', 'web/node_modules/x', true],
    ['**/node_modules', 'node_modules', true],
    ['*.md', 'README.md', true],
    ['*.md', 'docs/README.md', false],
    ['**/*.md', 'docs/deep/README.md', true],
    ['*/temp*', 'somedir/temporary.txt', true],
    ['*/*/temp*', 'a/b/temp.txt', true],
    ['temp?', 'tempa', true],
    ['temp?', 'temp', false],
    ['/foo/bar', 'foo/bar', true],
    ['foo/', 'foo/bar', true],
    ['./foo/../bar', 'bar', true],
    ['# comment', '# comment', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a+b', 'a+b', true],
    ['a+b', 'aab', false],
    ['Foo', 'foo', false],
    ['toString', 'toString', true],
    ['other', 'constructor', false],
    ['**', 'any/thing', true],
    ['doc/**', 'doc/a', true],
    ['doc/**', 'doc', false],
  ])('%s: leaves out %s: %s', (rules, path, expected) => {
    expect(ignores(rules, path)).toBe(expected);
  });

  it('lets the last rule that matches decide', () => {
    const rules = '*.md\n!README*.md\nREADME-secret.md';
    expect(['a.md', 'README.md', 'README-secret.md'].map((path) => ignores(rules, path))).toEqual([true, false, true]);
  });

  it('takes a file back out of a folder that is left out', () => {
    expect(['src/a', 'src/keep', 'src/keep/b'].map((path) => ignores('src\n!src/keep', path))).toEqual([true, false, false]);
  });

  it('refuses a bracket without an end, with the line', () => {
    expect(() => IgnoreRules.parse('ok\n[a')).toThrow(new ContextRefused('.dockerignore line 2: "[" without "]"'));
  });

  it('answers at once for rules written to be slow', () => {
    const rules = IgnoreRules.parse(`${'**/a*'.repeat(40)}z`);
    const started = performance.now();
    rules.ignores('a/'.repeat(400));
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('says the same as an independent reading of the rules', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'a.b', 'c');
    const part = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '?', '**', 'c', '*.b');
    const rule = fc
      .tuple(fc.boolean(), fc.array(part, { minLength: 1, maxLength: 3 }))
      .map(([negative, parts]) => (negative ? '!' : '') + parts.join('/'));
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), path, (rules, given) => {
        const other = dockerignore.default({ ignorecase: false }).add(rules);
        expect(ignores(rules.join('\n'), given)).toBe(other.ignores(given));
      }),
      { numRuns: 2000 },
    );
  });
});
