import { ApprovalPolicy } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Asked, judge, refusalOf, rejectionRefusalOf } from './sign-off-rules.js';
import { ada, aPerson, asReference, mei, omar, people } from './story.example.js';

const zoe = aPerson(904, 'Zoe', 'operator');
const stranger = { name: 'Nobody', email: 'nobody@else.where', account: null };

function asked(change: Partial<Omit<Asked, 'policy'>> & { policy?: object } = {}): Asked {
  const { policy, ...rest } = change;
  return {
    project: 'shop',
    people,
    involved: new Set(),
    unmatched: [],
    approvals: [],
    policy: ApprovalPolicy.parse({ require: [{ role: 'tester' }, { role: 'operator' }], ...policy }),
    ...rest,
  };
}
const yes = (...signers: { id: string }[]) => signers.map(({ id }) => ({ person: id, via: 'http' as const }));
const code = (of: Asked, person = omar, via: 'http' | 'key' = 'http') => refusalOf(of, person, via)?.code;

describe('where a request stands', () => {
  it('is complete when every requirement has its person', () => {
    expect(judge(asked()).missing.map(({ role, count, eligible }) => [role, count, eligible])).toEqual([
      ['tester', 1, [asReference(mei)]],
      ['operator', 1, [asReference(omar)]],
    ]);
    expect(judge(asked({ approvals: yes(mei) })).missing.map(({ text }) => text)).toEqual([
      { en: '1 more operator', zh: '还需 1 名运维人员签核' },
    ]);
    expect(judge(asked({ approvals: yes(mei, omar) }))).toMatchObject({
      complete: true,
      counted: [
        { person: mei.id, role: 'tester' },
        { person: omar.id, role: 'operator' },
      ],
      missing: [],
      eligible: [],
    });
  });

  it('is complete at once where the policy requires nobody, strangers or not', () => {
    expect(judge(asked({ policy: { require: [] }, unmatched: [stranger] })).complete).toBe(true);
  });

  it('does not count who made the change, nor that person by a second account', () => {
    const second = { ...aPerson(905, 'Omar2', 'operator'), emails: omar.emails };
    const own = asked({ people: [...people, second], involved: new Set([omar.id]), approvals: yes(mei, omar, second) });
    expect(judge(own).missing.map(({ role }) => role)).toEqual(['operator']);
    expect(code(own, omar)).toBe('own-change');
    expect(code(own, second)).toBe('own-change');
  });

  it('counts two accounts of one human once', () => {
    const second = { ...aPerson(905, 'Omar2', 'operator'), emails: [omar.emails[0]?.toUpperCase() ?? ''] };
    const twice = asked({
      policy: { require: [{ role: 'operator', count: 2 }] },
      people: [...people, second],
      approvals: yes(omar, second),
    });
    expect(judge(twice).complete).toBe(false);
    expect(code(twice, second)).toBe('already-signed');
  });

  it('says when nobody eligible is left', () => {
    const [missing] = judge(asked({ policy: { require: [{ role: 'operator' }] }, involved: new Set([omar.id]) })).missing;
    expect(missing).toMatchObject({ nobodyLeft: true, eligible: [], text: { en: '1 more operator; nobody eligible is left' } });
  });

  it('wants one more person for an identity that matches nobody, and says why', () => {
    const one = asked({
      policy: { require: [{ role: 'operator' }] },
      people: [...people, zoe],
      unmatched: [stranger],
      approvals: yes(omar),
    });
    expect(judge(one).missing).toMatchObject([
      {
        role: 'operator',
        count: 1,
        nobodyLeft: false,
        eligible: [asReference(zoe)],
        text: { en: '1 more operator (1 more than the policy says, as nobody@else.where matches nobody here)' },
      },
    ]);
    expect(judge({ ...one, approvals: yes(omar, zoe) }).complete).toBe(true);
    expect(judge({ ...one, policy: { ...one.policy, duties: 'off' } }).complete).toBe(true);
  });

  it('forgets a yes whose person has left or lost the role since', () => {
    const left = people.map((person) => (person === omar ? { ...omar, active: false } : person));
    const demoted = people.map((person) =>
      person === omar ? { ...omar, roles: [{ role: 'operator' as const, project: 'bank' }] } : person,
    );
    for (const now of [left, demoted]) expect(judge(asked({ people: now, approvals: yes(mei, omar) })).complete).toBe(false);
    expect(
      judge(
        asked({
          people: people.map((person) => ({ ...person, roles: person.roles.map((grant) => ({ ...grant, project: '*' })) })),
          approvals: yes(mei, omar),
        }),
      ).complete,
    ).toBe(true);
  });

  it('counts only signatures by key where the policy wants them', () => {
    const strict = asked({ policy: { require: [{ role: 'operator' }], proof: 'key' } });
    expect(judge({ ...strict, approvals: yes(omar) }).complete).toBe(false);
    expect(judge({ ...strict, approvals: [{ person: omar.id, via: 'key' }] }).complete).toBe(true);
    expect([code(strict), code(strict, omar, 'key')]).toEqual(['key-needed', undefined]);
  });
});

describe('why a sign-off does not count', () => {
  it('is said with a code', () => {
    expect(code(asked(), ada)).toBe('role-missing');
    expect(code(asked(), { ...omar, active: false })).toBe('person-inactive');
    expect(code(asked({ approvals: yes(omar) }))).toBe('already-signed');
    expect(code(asked())).toBeUndefined();
  });

  it('never keeps people from stopping their own change', () => {
    const own = asked({ involved: new Set([omar.id]) });
    expect(rejectionRefusalOf(own, omar, 'http')).toBeUndefined();
    expect(rejectionRefusalOf(own, ada, 'http')?.code).toBe('role-missing');
  });

  it('and where a request stands are one rule: nobody refused is eligible, and eligible people suffice unless nobody is left', () => {
    const everybody = [ada, mei, omar, zoe, aPerson(906, 'Kim', 'tester', 'operator'), aPerson(907, 'Lee')];
    const some = fc.subarray(everybody);
    fc.assert(
      fc.property(some, some, fc.nat(2), fc.boolean(), (involved, signers, strangers, distinct) => {
        const unmatched = Array.from({ length: strangers }, (_, at) => ({ ...stranger, email: `${at}@x` }));
        const of = asked({
          people: everybody,
          policy: { require: [{ role: 'tester' }, { role: 'operator' }], distinct },
          involved: new Set(involved.map(({ id }) => id)),
          unmatched,
          approvals: yes(...signers),
        });
        const standing = judge(of);
        expect(standing.eligible).toEqual(everybody.filter((person) => code(of, person) === undefined).map(asReference));
        for (const { person } of standing.counted) expect(involved.some(({ id }) => id === person)).toBe(false);
        const all = judge({ ...of, approvals: [...of.approvals, ...yes(...standing.eligible)] });
        expect(all.complete).toBe(!standing.missing.some(({ nobodyLeft }) => nobodyLeft));
        expect(standing.complete).toBe(standing.missing.length === 0);
      }),
    );
  });
});
