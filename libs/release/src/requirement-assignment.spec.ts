import type { Role } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, type Candidate, type Filling, missingFrom } from './requirement-assignment.js';

const filling = (require: [Role, number][], change: Partial<Filling> = {}): Filling => ({
  require: require.map(([role, count]) => ({ role, count })),
  distinct: true,
  extra: 0,
  ...change,
});
const signer = (person: string, ...roles: Role[]): Candidate => ({ person, roles });

const roles = fc.subarray<Role>(['tester', 'operator', 'developer'], { minLength: 1 });
const signers = fc.array(roles, { maxLength: 6 }).map((all) => all.map((each, index) => signer(`p${index}`, ...each)));
const requirements = fc.array(fc.tuple(fc.constantFrom<Role>('tester', 'operator', 'developer'), fc.integer({ min: 1, max: 2 })), {
  minLength: 1,
  maxLength: 3,
});

/** The most places that can be filled at once, by trying everything. */
function most(places: readonly Role[], people: readonly Candidate[]): number {
  const [place, ...rest] = places;
  if (place === undefined) return 0;
  const tries = people.map((each, at) => (each.roles.includes(place) ? 1 + most(rest, people.toSpliced(at, 1)) : 0));
  return Math.max(most(rest, people), ...tries);
}
const placesOf = ({ require }: Filling) => require.flatMap(({ role, count }) => Array.from({ length: count }, () => role));

/** Every way to take some away. */
function without<T>(items: readonly T[], amount: number): T[][] {
  if (amount === 0) return [[...items]];
  return items.length <= amount ? [[]] : items.flatMap((_, at) => without(items.toSpliced(at, 1), amount - 1));
}

describe('the assignment of people to requirements', () => {
  it('puts who is two things where nobody else can stand', () => {
    const both = filling([
      ['tester', 1],
      ['operator', 1],
    ]);
    // First come would spend Ada, who is both, on tester, and leave Mei over.
    expect(missingFrom(both, [signer('ada', 'tester', 'operator'), signer('mei', 'tester')])).toEqual([]);
    expect(assign(both, [signer('ada', 'tester', 'operator'), signer('mei', 'tester')])).toEqual([
      { person: 'mei', role: 'tester' },
      { person: 'ada', role: 'operator' },
    ]);
  });

  it('lets one person fill one requirement only, unless the policy says otherwise', () => {
    const ada = [signer('ada', 'tester', 'operator')];
    expect(
      missingFrom(
        filling([
          ['tester', 1],
          ['operator', 1],
        ]),
        ada,
      ),
    ).toEqual([{ role: 'operator', count: 1 }]);
    expect(
      missingFrom(
        filling(
          [
            ['tester', 1],
            ['operator', 1],
          ],
          { distinct: false },
        ),
        ada,
      ),
    ).toEqual([]);
    expect(missingFrom(filling([['operator', 2]], { distinct: false }), ada)).toEqual([{ role: 'operator', count: 1 }]);
  });

  it('wants one more distinct person of the role for each unmatched identity', () => {
    const one = filling([['operator', 1]], { extra: 1 });
    expect(missingFrom(one, [])).toEqual([{ role: 'operator', count: 2 }]);
    expect(missingFrom(one, [signer('omar', 'operator')])).toEqual([{ role: 'operator', count: 1 }]);
    expect(missingFrom(one, [signer('omar', 'operator'), signer('ada', 'operator')])).toEqual([]);
  });

  it('needs nothing where nothing is required', () => {
    expect(missingFrom(filling([]), [])).toEqual([]);
    expect(assign(filling([]), [signer('ada', 'tester')])).toEqual([]);
  });

  it('fills as many requirements as can be, each by somebody of the role, nobody twice', () => {
    fc.assert(
      fc.property(requirements, signers, (require, people) => {
        const wanted = filling(require);
        const assigned = assign(wanted, people);
        expect(assigned).toHaveLength(most(placesOf(wanted), people));
        expect(new Set(assigned.map(({ person }) => person)).size).toBe(assigned.length);
        for (const { person, role } of assigned) expect(people.find((each) => each.person === person)?.roles).toContain(role);
      }),
    );
  });

  it('is complete exactly when any unmatched signers could be taken away and the rest still suffice', () => {
    fc.assert(
      fc.property(requirements, signers, fc.nat(2), (require, people, extra) => {
        const wanted = filling(require, { extra });
        const suffices = without(people, extra).every((rest) => most(placesOf(wanted), rest) === placesOf(wanted).length);
        expect(missingFrom(wanted, people).length === 0).toBe(suffices);
      }),
    );
  });

  it('is complete when those it calls missing have signed, and not with one fewer of one role', () => {
    fc.assert(
      fc.property(requirements, signers, fc.nat(2), fc.boolean(), (require, people, extra, distinct) => {
        const wanted = filling(require, { extra, distinct });
        const missing = missingFrom(wanted, people);
        const more = missing.flatMap(({ role, count }) => Array.from({ length: count }, (_, at) => signer(`new-${role}-${at}`, role)));
        expect(missingFrom(wanted, [...people, ...more])).toEqual([]);
        for (const at of more.keys()) expect(missingFrom(wanted, [...people, ...more.toSpliced(at, 1)])).not.toEqual([]);
      }),
    );
  });
});
