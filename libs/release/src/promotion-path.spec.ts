import { ProjectFile } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matches } from './pattern.js';
import { accepts, lastEnvironments, nextEnvironments, openedBy, promotionPath, testEnvironmentBefore } from './promotion-path.js';

function project(environments: unknown[], git: object = {}) {
  return ProjectFile.parse({
    apiVersion: 'slipway.dev/v1',
    kind: 'Project',
    metadata: { name: 'shop' },
    spec: {
      source: { git: { url: 'https://git.example/shop', branches: ['main', 'feature/**'], tags: ['v*'], ...git } },
      image: { repository: 'localhost:5000/shop' },
      environments,
    },
  });
}
const test = { name: 'test', stage: 'test', target: 'lab' };
const preRelease = { name: 'pre-release', stage: 'pre-release', target: 'lab', after: ['test'] };
const production = { name: 'production', stage: 'production', target: 'lab', after: ['pre-release'] };
const names = (environments: readonly { name: string }[]) => environments.map(({ name }) => name);

describe('patterns', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'mainly', false],
    ['v*', 'v1.2', true],
    ['v*', 'v', true],
    ['v*', 'v1/2', false],
    ['release/*', 'release/1', true],
    ['release/*', 'release/1/hotfix', false],
    ['release/**', 'release/1/hotfix', true],
    ['release/**', 'release', true],
    ['release/**', 'released', false],
    ['**', 'any/thing', true],
    ['**/app', 'app', true],
    ['**/app', 'a/b/app', true],
    ['**/app', 'a/b-app', false],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'ab/z', false],
    ['v?.?', 'v1.2', true],
    ['v?.?', 'v1./', false],
    ['{main,trunk}', 'trunk', true],
    ['{main,trunk}', 'main,trunk', false],
    ['release-{1,2}.{x,y}', 'release-2.x', true],
    ['v1.0', 'v1x0', false],
    ['(a+)+$', 'aaaa', false],
    ['', '', true],
    ['*', '', true],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  it('without signs fit themselves and nothing else', () => {
    const plain = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '-') });
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        expect(matches(one, one)).toBe(true);
        expect(matches(one, other)).toBe(one === other);
      }),
    );
  });

  it('of stars agree with the plain regular expression', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '-') }).filter((text) => !text.includes('**'));
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-') });
    fc.assert(
      fc.property(pattern, name, (text, against) => {
        const expression = new RegExp(`^${text.replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);
        expect(matches(text, against)).toBe(expression.test(against));
      }),
      { numRuns: 1000 },
    );
  });

  it('made to be slow are not', () => {
    const before = performance.now();
    expect(matches(`${'*a'.repeat(99)}b`, 'a'.repeat(400))).toBe(false);
    expect(matches('{a,b}'.repeat(40), 'x')).toBe(false);
    expect(performance.now() - before).toBeLessThan(500);
  });
});

describe('which environment accepts a ref', () => {
  const file = project([test, preRelease, { ...production, accepts: { tags: ['v*'] } }]);

  it('a test environment takes all the source watches, others the first branch and tags, unless they say', () => {
    const refs = ['refs/heads/main', 'refs/heads/feature/a/b', 'refs/tags/v1', 'refs/heads/other'];
    const table = file.spec.environments.map((environment) => refs.map((ref) => accepts(file, environment, ref)));
    expect(table).toEqual([
      [true, true, true, false],
      [true, false, true, false],
      [false, false, true, false],
    ]);
  });

  it('a branch that is called like a tag is none', () => {
    expect(names(promotionPath(file, 'refs/heads/v1'))).toEqual([]);
    expect(names(promotionPath(file, 'refs/tags/main'))).toEqual([]);
  });
});

describe('the promotion path', () => {
  const file = project([test, { ...test, name: 'soak', after: ['test'] }, { ...preRelease, after: ['test', 'soak'] }, production]);

  it('begins where nothing comes before', () => {
    expect(names(nextEnvironments(file, 'refs/heads/main', new Set()))).toEqual(['test']);
  });

  it('opens an environment when all before it are passed', () => {
    expect(names(openedBy(file, 'refs/heads/main', new Set(), 'test'))).toEqual(['soak']);
    expect(names(openedBy(file, 'refs/heads/main', new Set(['test']), 'soak'))).toEqual(['pre-release']);
    expect(names(openedBy(file, 'refs/heads/main', new Set(['soak']), 'production'))).toEqual([]);
    expect(names(nextEnvironments(file, 'refs/heads/main', new Set(['test', 'soak', 'pre-release'])))).toEqual(['production']);
  });

  it('ends at test for what no further environment accepts', () => {
    expect(names(lastEnvironments(file, 'refs/heads/feature/x'))).toEqual(['soak']);
    expect(names(lastEnvironments(file, 'refs/heads/main'))).toEqual(['production']);
  });

  it('does not jump over an environment that refuses the ref', () => {
    const gap = project([test, { ...preRelease, accepts: { branches: ['release/*'] } }, production]);
    expect(names(promotionPath(gap, 'refs/heads/main'))).toEqual(['test']);
  });

  it('walked to its end visits each environment once, none before what it comes after', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (choices) => {
        const passed = new Set<string>();
        for (
          let next = nextEnvironments(file, 'refs/heads/main', passed);
          next.length > 0;
          next = nextEnvironments(file, 'refs/heads/main', passed)
        ) {
          const chosen = next[(choices.next().value ?? 0) % next.length];
          expect(chosen?.after.every((name) => passed.has(name)) && !passed.has(chosen.name)).toBe(true);
          passed.add(chosen?.name ?? '');
        }
        expect([...passed].sort()).toEqual(names(promotionPath(file, 'refs/heads/main')).sort());
      }),
    );
  });
});

describe('the test environment a release came through', () => {
  const file = project([test, { ...test, name: 'load', after: ['test'] }, { ...preRelease, after: ['load'] }, production]);

  it('is the last before, itself, or the name where the file has none such', () => {
    expect(['production', 'pre-release', 'load', 'test', 'dropped'].map((name) => testEnvironmentBefore(file, name))).toEqual([
      ...['load', 'load', 'load', 'test', 'dropped'],
    ]);
  });
});
