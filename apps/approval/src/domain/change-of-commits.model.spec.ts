import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeOf, grewFrom, holds, type Link, type Runs } from './change.js';

/** A release, the commits it contains, and those that its birth told of. */
interface Told extends Link, Pick<Runs, 'ref' | 'ancestorOf'> {
  readonly contains: ReadonlySet<number>;
  readonly range: ReadonlySet<number>;
}

/** Commits by their parents, and the releases of them in the order they were born. */
interface Repository {
  readonly parents: readonly (readonly number[])[];
  readonly births: readonly { readonly commit: number; readonly line: string }[];
}

const repositories: fc.Arbitrary<Repository> = fc.record({
  parents: fc
    .array(fc.tuple(fc.nat(), fc.option(fc.nat(), { freq: 2 }), fc.boolean()), { minLength: 3, maxLength: 9 })
    .map((commits) =>
      commits.map(([one, other, isRoot], at) =>
        at === 0 || (isRoot && at % 4 === 3) ? [] : [...new Set([(at - 1 - (one % 3) + at) % at, ...(other === null ? [] : [other % at])])],
      ),
    ),
  births: fc.array(fc.record({ commit: fc.nat(), line: fc.constantFrom('main', 'fix', 'live') }), { minLength: 2, maxLength: 7 }),
});

/** What source-watcher tells of each release, and what it contains by the commits themselves. */
function told({ parents, births }: Repository): Told[] {
  const below = (commit: number): Set<number> => new Set([commit, ...(parents[commit] ?? []).flatMap((each) => [...below(each)])]);
  const all: Told[] = [];
  for (const [at, { commit: any, line }] of births.entries()) {
    const commit = any % parents.length;
    const contains = below(commit);
    const isPart = ({ revision }: Link) => contains.has(Number(revision.slice(1)));
    const newestFirst = all.toReversed();
    const last = newestFirst.find((each) => each.line === line);
    const previous = last && isPart(last) ? last : newestFirst.find(isPart);
    const range = new Set([...contains].filter((each) => !previous?.contains.has(each)));
    const came = newestFirst.filter(({ revision }) => range.has(Number(revision.slice(1))));
    const newest = came.filter(
      (one) => !came.some((other) => other.revision !== one.revision && other.contains.has(Number(one.revision.slice(1)))),
    );
    all.push({
      ...{ number: at + 1, line, ref: line, revision: `c${commit}`, contains, range, from: previous?.revision ?? null },
      merged: [...newest, ...(previous && previous.line !== line ? [previous] : [])].map(({ number }) => number),
      ancestorOf: all.filter((each) => each.revision !== `c${commit}` && each.contains.has(commit)).map(({ number }) => number),
    });
  }
  return all;
}

const contains = (one: Told, other: Told) => one.contains.has(Number(other.revision.slice(1)));

/** Holds for every two releases of any repository. */
function always(holdsFor: (one: Told, other: Told, all: readonly Told[]) => void): void {
  fc.assert(
    fc.property(repositories, (repository) => {
      const all = told(repository);
      for (const one of all) for (const other of all) holdsFor(one, other, all);
    }),
    { numRuns: 400, seed: 11 },
  );
}

describe('whatever was branched, merged, rewritten and tagged', () => {
  it('finds what runs to contain exactly what it contains', () => {
    always((running, release, all) => {
      const isNewer = running.line !== release.line && running.revision !== release.revision && contains(running, release);
      expect(grewFrom(all, running, release)).toBe(isNewer);
    });
  });

  it('counts every commit that goes in and does not run', () => {
    always((running, candidate, all) => {
      const { numbers, unheard } = changeOf(all, running, candidate);
      const counted = new Set(all.filter(({ number }) => numbers.includes(number)).flatMap(({ range }) => [...range]));
      const goesIn = [...candidate.contains].filter((commit) => !running.contains.has(commit));
      expect(goesIn.filter((commit) => !counted.has(commit))).toEqual([]);
      expect(unheard).toBeNull();
    });
  });

  it('counts no more once what runs holds all that ran before', () => {
    always((now, before, all) => {
      if (!holds(all, now, before)) return;
      for (const candidate of all) {
        const was = changeOf(all, before, candidate).numbers;
        expect(changeOf(all, now, candidate).numbers.filter((number) => !was.includes(number))).toEqual([]);
      }
    });
  });
});
