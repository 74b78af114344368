import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Change, humansOf, involvedIn, type Known, personMatches } from './duties.js';

const person = (id: string, change: Partial<Known> = {}): Known => ({ id, emails: [`${id}@example.com`], accounts: [id], ...change });
const identity = (email: string | null, account: string | null = null, name = 'Somebody') => ({ name, email, account });
const change = (parts: Partial<Change> = {}): Change => ({ people: [], pusher: null, trigger: null, ...parts });
const people = [person('ada'), person('mei'), person('omar')];
const ids = (changes: Change[], known = people) => [...involvedIn(changes, known).involved].sort();

describe('whose change it is', () => {
  it('counts author, committer, co-author, pusher and trigger, over all releases of the range', () => {
    const changes = [
      change({ people: [identity('ada@example.com')] }),
      change({ pusher: identity(null, 'mei') }),
      change({ trigger: { id: 'omar', name: 'Omar' } }),
    ];
    expect(ids(changes)).toEqual(['ada', 'mei', 'omar']);
    expect(involvedIn(changes, people).unmatched).toEqual([]);
  });

  it('matches e-mail and account whatever their case and blanks', () => {
    expect(ids([change({ people: [identity(' ADA@Example.COM ')] })])).toEqual(['ada']);
    expect(ids([change({ people: [identity(null, 'MEI')] })])).toEqual(['mei']);
  });

  it('sees through the addresses forges hide people behind', () => {
    expect(ids([change({ people: [identity('1234+Omar@users.noreply.github.com')] })])).toEqual(['omar']);
    expect(ids([change({ people: [identity('omar@users.noreply.github.com')] })])).toEqual(['omar']);
    expect(ids([change({ people: [identity('1234+omar@users.noreply.github.com.evil')] })], [person('ada')])).toEqual([]);
  });

  it('believes no name: anybody can write it', () => {
    const { involved, unmatched } = involvedIn([change({ people: [identity('x@else.where', null, 'ada')] })], people);
    expect(involved.size).toBe(0);
    expect(unmatched).toHaveLength(1);
  });

  it('counts each unmatched identity once, one without any address too', () => {
    const stranger = identity('x@else.where');
    const { unmatched } = involvedIn(
      [change({ people: [stranger, identity('X@ELSE.where'), identity(null), identity(null, '')] }), change({ pusher: stranger })],
      people,
    );
    expect(unmatched).toEqual([stranger, identity(null)]);
  });

  it('takes a pusher the source cannot give for absent, not for unmatched', () => {
    expect(involvedIn([change({ people: [identity('ada@example.com')] })], people).unmatched).toEqual([]);
  });

  it('finds the second account of the same human', () => {
    const known = [
      person('ada'),
      person('ada2', { emails: ['work@example.com', 'ada@example.com'] }),
      person('ada3', { emails: ['WORK@example.com'] }),
      person('mei'),
    ];
    expect(ids([change({ people: [identity(null, 'ada3')] })], known)).toEqual(['ada', 'ada2', 'ada3']);
    const humans = humansOf(known);
    expect(humans.get('ada3')).toBe(humans.get('ada'));
    expect(humans.get('mei')).not.toBe(humans.get('ada'));
  });

  it('is every one who matches, and nothing is both matched and unmatched', () => {
    const known = ['ada', 'mei', 'omar', 'zoe'].map((id) => person(id));
    const anybody = fc.constantFrom('ada', 'mei', 'omar', 'zoe', 'stranger', 'other').map((id) => identity(`${id}@example.com`));
    fc.assert(
      fc.property(
        fc.array(fc.record({ people: fc.array(anybody, { maxLength: 5 }), pusher: fc.option(anybody), trigger: fc.constant(null) }), {
          maxLength: 4,
        }),
        (changes) => {
          const { involved, unmatched } = involvedIn(changes, known);
          const all = changes.flatMap((each) => [...each.people, ...(each.pusher ? [each.pusher] : [])]);
          for (const each of known) expect(involved.has(each.id)).toBe(all.some((one) => personMatches(one, each)));
          for (const one of all)
            expect(known.some((each) => personMatches(one, each))).toBe(!unmatched.some((other) => other.email === one.email));
          expect(involvedIn([...changes].reverse(), known).involved).toEqual(involved);
        },
      ),
    );
  });
});
