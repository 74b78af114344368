import { ApprovalPolicy, type Person } from '@slipway/contracts';
import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { aRequest, aSignOff, somebody } from './approval-request.example.js';
import {
  type ApprovalRequest,
  type Decision,
  decide,
  type Input,
  isUnusedGrant,
  nextMoment,
  plus,
  type Saying,
  type SignOff,
} from './approval-request.js';

/** A request, the clock, who is still here, and what was really done: who said yes, which grants went out, and which of them began something. */
interface State {
  readonly request: ApprovalRequest;
  /** Into {@link moments}. */
  readonly at: number;
  readonly hasLeft: boolean;
  readonly issued: readonly string[];
  readonly began: readonly string[];
  readonly ends: number;
}

type Deciding = (request: ApprovalRequest, input: Input) => Decision;

const tess = somebody(1, 'tester');
const otto = somebody(2, 'operator');
const both = somebody(3, 'tester', 'operator');
const ann = somebody(4, 'operator');
const everybody: readonly Person[] = [tess, otto, both, ann];
const opened = '2026-11-23T05:00:00.000Z';
/** At once; after the soak; after the expiry, when the first grants are due to be said anew; when the others are. */
const moments = [0, 1800, 3600, 6400].map((seconds) => plus(opened, seconds));
const soaks = { none: null, short: moments[1] as string, 'longer than it is open': moments[3] as string };
const policies = {
  'a tester and an operator': { require: [{ role: 'tester' }, { role: 'operator' }] },
  'an operator with a key': { require: [{ role: 'operator' }], proof: 'key' },
  'either twice, one person filling both': { require: [{ role: 'tester' }, { role: 'operator' }], distinct: false },
  nobody: { require: [] },
} as const;
const changing = new Set(['state', 'signOffs', 'grant', 'reason']);
const otherwise = 'for another deployment';
const foreign = '01900000-0000-7000-8000-00000000f0f0';

function starts(): Record<string, State> {
  const all: Record<string, State> = {};
  for (const [who, policy] of Object.entries(policies))
    for (const [soak, soakUntil] of Object.entries(soaks)) {
      if (soakUntil !== null && policy !== policies['a tester and an operator']) continue; // who signs and how long it soaks are judged apart
      const request = aRequest({
        policy: ApprovalPolicy.parse(policy),
        involved: [ann.id],
        openedAt: opened,
        soakUntil,
        expiresAt: moments[2] as string,
      });
      all[`asks ${who}; soak: ${soak}`] = { request, at: 0, hasLeft: false, issued: [], began: [], ends: 0 };
    }
  return all;
}

function* inputsOf({ request, at, hasLeft, issued, began }: State): Iterable<readonly [string, Input]> {
  const now = moments[at] as string;
  const people = everybody.map((person) => (person === otto ? { ...otto, active: !hasLeft } : person));
  const grantId = `01900000-0000-7000-8000-00000000a00${issued.length}`;
  const { asks, policy } = request;
  const sign = (by: Person, over: Partial<SignOff>, signed = asks): Input => {
    const signOff = aSignOff(by, { via: 'key', comment: signed === asks ? 'yes' : otherwise, ...over });
    return { kind: 'signed', by, signOff, asks: signed, people, grantId, now };
  };
  for (const by of people) {
    yield [`${by.name} signs`, sign(by, {})];
    // Of the two ways to sign only one may be too little; which it was decides nothing else.
    if (policy.proof === 'key') yield [`${by.name} signs at the page`, sign(by, { via: 'http' })];
    yield [`${by.name} sends it back`, sign(by, { decision: 'reject' })];
  }
  yield ['Person 2 signs for another deployment', sign(people[1] as Person, {}, 'c'.repeat(64))];
  yield ['Person 2 sends it back without a word', sign(people[1] as Person, { decision: 'reject', comment: ' ' })];
  yield ['time is heard', { kind: 'time-passed', people, grantId, now }];
  yield ['a newer one is granted', { kind: 'superseded', by: { ...request.release, number: 8 } }];
  yield ['what it is bound to changes', { kind: 'voided', reason: { code: 'changed', message: 'x' }, changed: ['app.env'] }];
  if (began.length === 0)
    for (const [which, grant] of issued.entries()) yield [`a rollout begins by grant ${which}`, { kind: 'rollout-started', grant }];
  yield ['a rollout begins by another request’s grant', { kind: 'rollout-started', grant: foreign }];
}

function worldOf(deciding: Deciding = decide): World<State> {
  return {
    starts: starts(),
    key: ({ request, ...rest }) => {
      const { policy, soakUntil, state, signOffs } = request;
      const signed = signOffs.map(({ person, decision, via, comment }) => [person.name, decision, via, comment]);
      return JSON.stringify([policy, soakUntil, state, signed, request.state === 'granted' ? request.grant : null, rest]);
    },
    *moves(state): Iterable<Move<State>> {
      for (const [words, input] of inputsOf(state)) yield [words, () => after(state, input, deciding(state.request, input))];
      // The clock wound for a moment brings it: time does not run past a grant that is due to be said anew, or past an end.
      if (state.at + 1 < moments.length) yield ['time runs on', () => ({ ...state, at: state.at + 1 })];
      if (!state.hasLeft) yield ['Person 2 leaves', () => ({ ...state, hasLeft: true })];
    },
    always: {
      'it ends once': ({ ends }) => ends <= 1,
      'a grant is used exactly when a rollout began by one of its own': ({ request, began }) =>
        request.state !== 'granted' || request.grant.used === began.length > 0,
      'every moment that matters is waited for': ({ request, at }) => {
        const moment = nextMoment(request, moments[at] as string);
        if (request.state === 'open') return moment !== null && moment <= request.expiresAt;
        return (moment !== null) === isUnusedGrant(request);
      },
    },
    steps: {
      'nothing is granted that not enough people signed, in time, for exactly this': ({ request: before, at, hasLeft }, { request }) =>
        before.state !== 'open' || request.state !== 'granted' || isSignedEnough(request, moments[at] as string, hasLeft),
      'an end stands': ({ request: before }, { request }) =>
        before.state === 'open' || isUnusedGrant(before) || JSON.stringify(before) === JSON.stringify(request),
      'what is asked never changes': ({ request: before }, { request }) =>
        [...Object.keys(before), ...Object.keys(request)].every(
          (part) => changing.has(part) || before[part as keyof ApprovalRequest] === request[part as keyof ApprovalRequest],
        ),
      'a grant said anew is the same grant, for longer': ({ request: before }, { request }) =>
        before.state !== 'granted' ||
        request.state !== 'granted' ||
        before.grant.id === request.grant.id ||
        (request.grant.issuedAt > before.grant.issuedAt && !before.grant.used),
      'after time was heard, the next moment is still to come': (_, { request, at }, does) =>
        does !== 'time is heard' || (nextMoment(request, moments[at] as string) ?? '9') > (moments[at] as string),
    },
    reaches: {
      'it ends, or its rollout begins': ({ request }) => request.state !== 'open' && !isUnusedGrant(request),
    },
  };
}

function after(state: State, input: Input, decision: Decision): State {
  const own = input.kind === 'rollout-started' && state.issued.includes(input.grant) && isUnusedGrant(state.request);
  const began = own ? [...state.began, input.grant] : state.began;
  if (!('changed' in decision)) return { ...state, began };
  const { next, says } = decision.changed;
  return {
    ...state,
    request: next,
    began,
    issued: [...state.issued, ...says.flatMap((saying) => (saying.say === 'granted' ? [saying.grant.id] : []))],
    ends: state.ends + says.filter(isEnd).length,
  };
}

function isEnd({ say }: Saying): boolean {
  return say === 'rejected' || say === 'expired' || say === 'superseded' || say === 'voided';
}

/** Promises 2 and 11 once more, by trying every way to give the roles to those who signed: written apart from what is judged. */
function isSignedEnough({ policy, signOffs, soakUntil, expiresAt }: ApprovalRequest, now: string, hasLeft: boolean): boolean {
  if (now >= expiresAt || (soakUntil !== null && now < soakUntil)) return false;
  const good = signOffs.filter(({ person, via, comment }) => {
    const isHere = !hasLeft || person.id !== otto.id;
    return isHere && comment !== otherwise && person.id !== ann.id && (policy.proof !== 'key' || via === 'key');
  });
  const signers = everybody.filter(({ id }) => good.some(({ person }) => person.id === id));
  if (new Set(signOffs.map(({ person }) => person.id)).size !== signOffs.length) return false;
  const fill = (roles: readonly string[], left: readonly Person[]): boolean => {
    const [role, ...others] = roles;
    if (role === undefined) return true;
    return left.some(
      (person) =>
        person.roles.some((held) => held.role === role) && fill(others, policy.distinct ? left.filter((each) => each !== person) : left),
    );
  };
  return fill(
    policy.require.map(({ role }) => role),
    signers,
  );
}

/** A core that judges a request as if it were another one, and leaves it as it is otherwise. */
function judging(as: Partial<ApprovalRequest>): Deciding {
  return (request, input) => {
    const decision = decide({ ...request, ...as } as ApprovalRequest, input);
    if (!('changed' in decision)) return decision;
    const was = Object.fromEntries(Object.keys(as).map((part) => [part, request[part as keyof ApprovalRequest]]));
    return { changed: { ...decision.changed, next: { ...decision.changed.next, ...was } as ApprovalRequest } };
  };
}

const twoRoles = policies['a tester and an operator'];

describe('every request for sign-off against everything that can happen to it', () => {
  it('grants what enough people signed and nothing else, ends once, and is never forgotten', async () => {
    await explore(worldOf(), { atMost: 12_000, atLeast: { states: 4000, edges: 60_000 } });
  }, 120_000);

  it.each<[string, Deciding, RegExp, string[]]>([
    [
      'believes a signature for another deployment',
      (request, input) => decide(request, input.kind === 'signed' ? { ...input, asks: request.asks } : input),
      /nothing is granted/,
      ['Person 2 signs for another deployment'],
    ],
    ['lets those sign whose change it is', judging({ involved: [] }), /nothing is granted/, ['Person 4 signs']],
    [
      'lets one person be two',
      judging({ policy: ApprovalPolicy.parse({ ...twoRoles, distinct: false }) }),
      /nothing is granted/,
      ['Person 3 signs'],
    ],
    ['forgets the soak', judging({ soakUntil: null }), /nothing is granted/, ['Person 1 signs', 'Person 2 signs']],
    [
      'takes a signature after its time',
      (request, input) => (input.kind === 'signed' ? judging({ expiresAt: '2027-01-01T00:00:00.000Z' }) : decide)(request, input),
      /nothing is granted/,
      ['time runs on', 'time runs on', 'Person 2 signs'],
    ],
    [
      'takes any grant for its own',
      (request, input) =>
        decide(request, input.kind === 'rollout-started' && request.state === 'granted' ? { ...input, grant: request.grant.id } : input),
      /a grant is used exactly when/,
      ['Person 2 signs', 'a rollout begins by another request’s grant'],
    ],
    [
      'forgets under which ids it was granted',
      (request, input) => {
        const own = request.state === 'granted' ? ({ ...request, grant: { ...request.grant, earlier: [] } } as const) : request;
        return decide(own, input);
      },
      /a grant is used exactly when/,
      ['Person 2 signs', 'time runs on', 'time runs on', 'time is heard', 'a rollout begins by grant 0'],
    ],
    [
      'voids what is used',
      (request, input) => {
        const unused = request.state === 'granted' ? ({ ...request, grant: { ...request.grant, used: false } } as const) : request;
        return decide(input.kind === 'voided' ? unused : request, input);
      },
      /an end stands/,
      ['Person 2 signs', 'a rollout begins by grant 0', 'what it is bound to changes'],
    ],
    [
      'never hears that time is up',
      (request, input) => (input.kind === 'time-passed' && request.state === 'open' ? { unchanged: true } : decide(request, input)),
      /after time was heard/,
      ['time runs on', 'time runs on', 'time is heard'],
    ],
  ])('has teeth: a core that %s', async (_, deciding, promise, story) => {
    const broken = await brokenBy(worldOf(deciding), 12_000);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });
});
