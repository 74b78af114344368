import { aProjectFile, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { ancestorOfAgain, bornAgain, bornAgainForSecret } from './configuration.js';

const before = aProjectFile();
const main = { release: aRelease({ number: 7 }), repositoryFile: null };
const side = { release: aRelease({ number: 9, ref: 'refs/heads/side', line: 'refs/heads/side' }), repositoryFile: null };
const numbers = (bases: { release: { number: number } }[]) => bases.map(({ release }) => release.number);
const changed = (spec: Partial<typeof before.spec>) => ({ ...before, spec: { ...before.spec, ...spec } });
const environments = (change: (each: (typeof before.spec.environments)[number]) => object) =>
  changed({ environments: before.spec.environments.map((each) => ({ ...each, ...change(each) }) as typeof each) });

describe('configuration releases', () => {
  it('come of settings that reach the containers', () => {
    expect(numbers(bornAgain(before, changed({ app: { ...before.spec.app, env: { A: '1' } } }), [main]))).toEqual([7]);
    expect(
      numbers(
        bornAgain(
          before,
          environments(({ name }) => (name === 'production' ? { app: { instances: 4 } } : {})),
          [main],
        ),
      ),
    ).toEqual([7]);
    expect(
      numbers(
        bornAgain(
          before,
          environments(({ name }) => (name === 'production' ? { target: 'other' } : {})),
          [main],
        ),
      ),
    ).toEqual([7]);
  });

  it('do not come of who decides, or of words', () => {
    expect(bornAgain(before, before, [main])).toEqual([]);
    expect(bornAgain(before, { ...before, metadata: { ...before.metadata, description: 'new' } }, [main])).toEqual([]);
    expect(
      bornAgain(
        before,
        environments(({ name }) => (name === 'production' ? { approval: { require: [] }, deadline: '1s' } : {})),
        [main],
      ),
    ).toEqual([]);
  });

  it('come of a new environment, for the newest release that it lets in', () => {
    const more = changed({
      environments: [
        ...before.spec.environments,
        { ...before.spec.environments[0], name: 'test-2' } as (typeof before.spec.environments)[number],
      ],
    });
    expect(numbers(bornAgain(before, more, [side, main]))).toEqual([7]);
  });

  it('come of the newest code, whatever the numbers of a late tag and of an earlier configuration say', () => {
    const source = { git: { url: 'https://git.example/shop.git', branches: ['main'], tags: ['v*'] } };
    const line = main.release.ref;
    const tag = { ...main, release: aRelease({ number: 9, kind: 'tag', ref: 'refs/tags/v1', line, ancestorOf: [7] }) };
    const configuration = { ...main, release: aRelease({ number: 8, kind: 'configuration', ancestorOf: [7] }) };
    const [was, is] = [aProjectFile({ spec: { source } }), aProjectFile({ spec: { source, app: { env: { A: '1' } } } })];
    expect(numbers(bornAgain(was, is, [tag, configuration, main]))).toEqual([7]);
  });

  it('are older than what came to their line since, and no older than what was set late on older code', () => {
    const base = aRelease({ number: 7, ancestorOf: [3] });
    const tag = { kind: 'tag', ref: 'refs/tags/v1', line: base.line } as const;
    const late = aRelease({ ...tag, number: 9, ancestorOf: [7, 8] });
    const sameCommit = aRelease({ ...tag, number: 10, revision: base.revision });
    expect(ancestorOfAgain(base, [aRelease({ number: 11 }), sameCommit, late, aRelease({ number: 8 })])).toEqual([11, 8, 3]);
    const long = Array.from({ length: 300 }, (_, at) => aRelease({ number: 1000 - at }));
    expect(ancestorOfAgain(base, long)).toHaveLength(101);
  });

  it('need a built release', () => {
    expect(bornAgain(before, changed({ app: { ...before.spec.app, env: { A: '1' } } }), [])).toEqual([]);
  });

  it('come of a secret that something uses', () => {
    const file = changed({ app: { ...before.spec.app, secrets: ['db-password'] } });
    expect(numbers(bornAgainForSecret(file, 'db-password', [main]))).toEqual([7]);
    expect(bornAgainForSecret(file, 'other', [main])).toEqual([]);
  });
});
