import type { Person } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { aRequest, aSignOff, somebody } from './approval-request.example.js';
import {
  type ApprovalRequest,
  decide,
  grantLifeSeconds,
  type Input,
  nextMoment,
  plus,
  reissueAfterSeconds,
  type SignOff,
} from './approval-request.js';

const tester = somebody(1, 'tester');
const operator = somebody(2, 'operator');
const both = somebody(3, 'tester', 'operator');
const developer = somebody(4, 'developer');
const people = [tester, operator, both, developer];
const now = '2026-11-23T05:10:00.000Z';
const release8 = { ...aRequest().release, number: 8 };

function signed(by: Person, over: Partial<SignOff> = {}, more: Partial<Extract<Input, { kind: 'signed' }>> = {}): Input {
  return { kind: 'signed', by, signOff: aSignOff(by, over), asks: aRequest().asks, people, grantId: 'grant-1', now, ...more };
}

function after(request: ApprovalRequest, ...inputs: Input[]): { request: ApprovalRequest; said: string[]; refused: string[] } {
  const said: string[] = [];
  const refused: string[] = [];
  let current = request;
  for (const input of inputs) {
    const decision = decide(current, input);
    if ('refused' in decision) refused.push(decision.refused.code);
    if ('changed' in decision) {
      said.push(...decision.changed.says.map((each) => each.say));
      current = decision.changed.next;
    }
  }
  return { request: current, said, refused };
}

const granted = (): ApprovalRequest => after(aRequest(), signed(tester), signed(operator)).request;
const timePassed = (at: string): Input => ({ kind: 'time-passed', people, grantId: 'grant-2', now: at });

describe('a request for sign-off', () => {
  it('is granted when every requirement is filled', () => {
    const { request, said } = after(aRequest(), signed(tester), signed(operator));
    expect(request).toMatchObject({ state: 'granted', grant: { id: 'grant-1', used: false, notAfter: plus(now, grantLifeSeconds) } });
    expect(said).toEqual(['accepted', 'accepted', 'granted']);
  });

  it('lets one person fill one requirement only, whichever is best', () => {
    expect(after(aRequest(), signed(both)).request.state).toBe('open');
    expect(after(aRequest(), signed(both), signed(tester)).request.state).toBe('granted');
    expect(after(aRequest(), signed(both), signed(operator)).request.state).toBe('granted');
  });

  it('ends at the first no, with the reason', () => {
    const { request, said } = after(
      aRequest(),
      signed(tester),
      signed(operator, { decision: 'reject', comment: 'the basket is empty' }),
      signed(both),
    );
    expect(request.state).toBe('rejected');
    expect(said).toEqual(['accepted', 'rejected']);
  });

  it('wants a reason with a no', () => {
    expect(after(aRequest(), signed(tester, { decision: 'reject', comment: ' ' })).refused).toEqual(['no-reason']);
  });

  it('refuses the author, who may still say no', () => {
    const own = aRequest({ involved: [tester.id] });
    expect(after(own, signed(tester)).refused).toEqual(['own-change']);
    expect(after(own, signed(tester, { decision: 'reject', comment: 'I found a fault in it' })).request.state).toBe('rejected');
  });

  it('asks for one more person for each author nobody knows', () => {
    const unknown = aRequest({ unmatched: [{ name: 'Mallory', email: 'm@elsewhere', account: null }] });
    expect(after(unknown, signed(tester), signed(operator)).request.state).toBe('open');
    expect(after(unknown, signed(tester), signed(operator), signed(both)).request.state).toBe('granted');
  });

  it.each([
    ['somebody without the role', signed(developer), 'role-missing'],
    ['a sign-off of another deployment', signed(tester, {}, { asks: 'c'.repeat(64) }), 'other-deployment'],
    ['a sign-off after the expiry', signed(tester, {}, { now: '2026-12-01T00:00:00.000Z' }), 'expired'],
  ])('refuses %s', (_, input, code) => {
    expect(after(aRequest(), input).refused).toEqual([code]);
  });

  it('counts a person once', () => {
    expect(after(aRequest(), signed(tester), signed(tester)).refused).toEqual(['already-signed']);
  });

  it('wants a key where the policy does', () => {
    const strict = aRequest({ policy: { ...aRequest().policy, proof: 'key' } });
    expect(after(strict, signed(tester)).refused).toEqual(['key-needed']);
    expect(after(strict, signed(tester, { via: 'key' })).said).toEqual(['accepted']);
  });

  it('is granted by policy where nobody is asked', () => {
    expect(after(aRequest({ policy: { ...aRequest().policy, require: [] } }), timePassed(now)).said).toEqual(['granted']);
  });

  it('waits for the soak, and is granted when it ends', () => {
    const soaking = aRequest({ soakUntil: '2026-11-23T06:00:00.000Z' });
    const all = after(soaking, signed(tester), signed(operator));
    expect(all.request.state).toBe('open');
    expect(nextMoment(all.request, now)).toBe('2026-11-23T06:00:00.000Z');
    expect(after(all.request, timePassed('2026-11-23T06:00:00.000Z')).request.state).toBe('granted');
  });

  it('expires, and says what lacked', () => {
    expect(after(aRequest(), timePassed('2026-11-29T00:00:00.000Z')).said).toEqual([]);
    expect(after(aRequest(), signed(tester), timePassed(aRequest().expiresAt)).request.state).toBe('expired');
  });

  it('does not count somebody who has lost the role since', () => {
    const withoutRole = people.map((person) => (person.id === tester.id ? { ...person, roles: [] } : person));
    expect(after(aRequest(), signed(tester), signed(operator, {}, { people: withoutRole })).request.state).toBe('open');
  });

  it('is voided with its unused grant, and no more once the rollout began', () => {
    const voided: Input = { kind: 'voided', reason: { code: 'changed', message: 'app.env.A' }, changed: ['app.env.A'] };
    expect(after(granted(), voided).request.state).toBe('voided');
    expect(after(granted(), { kind: 'rollout-started', grant: 'grant-1' }, voided).request.state).toBe('granted');
  });

  it('is driven out by a newer one only while it is undecided', () => {
    expect(after(aRequest(), { kind: 'superseded', by: release8 }).request.state).toBe('superseded');
    expect(after(granted(), { kind: 'rollout-started', grant: 'grant-1' }, { kind: 'superseded', by: release8 }).request.state).toBe(
      'granted',
    );
  });

  it('reissues an unused grant before it ends, under a new id', () => {
    const later = plus(now, reissueAfterSeconds);
    expect(nextMoment(granted(), now)).toBe(later);
    expect(after(granted(), timePassed(later)).request).toMatchObject({
      state: 'granted',
      grant: { id: 'grant-2', notAfter: plus(later, grantLifeSeconds) },
    });
    expect(after(granted(), { kind: 'rollout-started', grant: 'grant-1' }, timePassed(later)).said).toEqual([]);
  });

  it('changes no more at its end, whatever happens', () => {
    const ends: ApprovalRequest[] = (['rejected', 'expired', 'superseded', 'voided'] as const).map((state) => ({ ...aRequest(), state }));
    const inputs: Input[] = [
      signed(tester),
      timePassed('2027-01-01T00:00:00.000Z'),
      { kind: 'superseded', by: release8 },
      { kind: 'rollout-started', grant: 'g' },
    ];
    for (const end of ends) for (const input of inputs) expect(decide(end, input)).not.toHaveProperty('changed');
  });
});
