import { LostClaim } from '@slipway/operations';
import { Broken, brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type ApprovalRequest, isUnusedGrant } from './domain/approval-request.js';
import { Approval, authorOf, begins, empty, type Rules, releases, type Said, type Tables, whole } from './small-world.fixture.js';

/** What is really so, whatever approval has heard of it. */
interface Truth {
  /** What came up, oldest first; the last one runs. */
  readonly history: readonly number[];
  /** Requests by whose grant something began. */
  readonly begun: readonly string[];
  /** The grant by which each release began last. */
  readonly grants: Readonly<Record<number, string>>;
  /** What was rolled back from, and of those what a person asked for again since. */
  readonly left: readonly number[];
  readonly askedAnew: readonly number[];
  readonly signatures: readonly { readonly by: string; readonly request: string; readonly asks: string }[];
}

/** A worker with the clock of a request that it has claimed. */
interface Hands {
  readonly clock: string;
  readonly epoch: number;
}

interface State {
  readonly tables: Tables;
  readonly said: readonly Said[];
  readonly hands: readonly [Hands | null, Hands | null];
  readonly truth: Truth;
  readonly now: string;
  readonly left: Budget;
}

/** How often each thing may still happen. */
interface Budget {
  readonly signs: number;
  readonly applies: number;
  readonly asks: number;
  readonly withdrawals: number;
  readonly failures: number;
  readonly backs: number;
  readonly twice: number;
  readonly later: number;
  readonly crashes: number;
}

interface AllRules extends Rules {
  /** production-rollout begins nothing before approval has heard what runs. */
  readonly waits: boolean;
}

const all: AllRules = { ...whole, waits: true };
const none: Budget = { signs: 0, applies: 0, asks: 0, withdrawals: 0, failures: 0, backs: 0, twice: 0, later: 0, crashes: 0 };
const untouched: Truth = { history: [], begun: [], grants: {}, left: [], askedAnew: [], signatures: [] };

function worldOf(numbers: readonly number[], budget: Partial<Budget>, rules: AllRules = all): World<State> {
  const said = numbers.flatMap((release): Said[] => [
    { say: 'detected', release },
    { say: 'passed', release },
  ]);
  const left = { ...none, ...budget };
  return {
    starts: { 'releases are born, and good in test': { tables: empty, said, hands: [null, null], truth: untouched, now: begins, left } },
    key: keyOf,
    *moves(state): Iterable<Move<State>> {
      yield* events(state, rules);
      yield* persons(state);
      yield* rollouts(state, rules);
      for (const which of [0, 1] as const) yield* worker(state, which, rules);
      const [next] = Object.entries(state.tables.clocks)
        .flatMap(([clock, epoch]) => (epoch === -1 || momentOf(clock) <= state.now ? [] : [momentOf(clock)]))
        .sort();
      if (next !== undefined && state.left.later > 0)
        yield ['time runs on', () => ({ ...state, now: next, left: spent(state.left, 'later') })];
    },
    always: {
      'a release is asked for once at a time': ({ tables }) => {
        const undecided = tables.requests.filter(isUndecided).map(({ release }) => release.number);
        return new Set(undecided).size === undecided.length;
      },
      'what was withdrawn is asked for and let in no more': ({ tables }) =>
        tables.requests.every((request) => !isUndecided(request) || !isWithdrawn(tables, request)),
      'what is heard to be older than what runs is let in no more': ({ tables: { known, requests } }) =>
        requests.every((request) => !isUndecided(request) || request.release.number >= (known.runs?.number ?? 0)),
      'what passed and may go in was asked for': ({ said: unheard, tables: { known, requests } }) =>
        unheard.length > 0 ||
        known.passages.every(
          ({ release: { id, number } }) =>
            (known.runs?.number ?? 0) > number ||
            requests.some(({ release }) => release.id === id) ||
            known.releases.some(({ release, withdrawn }) => withdrawn && release.id === id),
        ),
    },
    reaches: {
      'all is heard, and no worker is at anything': (state) => state.said.length === 0 && state.hands.every((hand) => hand === null),
    },
  };
}

/** In any order: what comes late was lost and is said again. What comes twice is its own, for an inbox forgets in the end. */
function* events(state: State, rules: AllRules): Iterable<Move<State>> {
  for (const said of state.said) {
    const heard = async (later: readonly Said[], left: Budget): Promise<State> => {
      const approval = new Approval(state.tables, state.now, rules);
      if (!(await approval.hear(said))) return state;
      const tables = approval.tables();
      const isAskedAnew = said.say === 'asked anew' && tables.requests.length > state.tables.requests.length;
      const askedAnew = isAskedAnew ? withOne(state.truth.askedAnew, said.release) : state.truth.askedAnew;
      return { ...state, tables, said: later, left, truth: { ...state.truth, askedAnew } };
    };
    const words = `${wordsOf(said, state.tables)} is heard`;
    const others = state.said.filter((each) => each !== said);
    yield [words, () => heard(others, state.left)];
    if (state.left.twice > 0) yield [`${words}, and will be again`, () => heard(state.said, spent(state.left, 'twice'))];
  }
}

function* persons(state: State): Iterable<Move<State>> {
  const { tables, truth, left } = state;
  const say =
    (said: Said, budget: keyof Budget, more: Partial<State> = {}) =>
    () => ({
      ...state,
      ...more,
      said: [...state.said, said],
      left: spent(left, budget),
    });
  for (const request of left.signs > 0 ? tables.requests.filter((each) => each.state === 'open') : [])
    for (const by of ['Otto', 'Ann']) {
      const signature = { by, request: request.id, asks: request.asks };
      if (truth.signatures.some((each) => each.by === by && each.request === request.id)) continue;
      const signatures = [...truth.signatures, signature];
      yield [
        `${by} signs for ${nameOf(tables, request.id)}`,
        say({ say: 'signed', ...signature }, 'signs', { truth: { ...truth, signatures } }),
      ];
    }
  if (left.applies > 0) yield ['the project file changes', say({ say: 'applied', version: 2 }, 'applies')];
  for (const { release } of tables.known.releases) {
    const { number } = release;
    const last = tables.requests.findLast((request) => request.release.id === release.id);
    if (left.asks > 0 && last && !isUndecided(last))
      yield [`Otto asks for release ${number} anew`, say({ say: 'asked anew', release: number }, 'asks')];
    if (left.withdrawals > 0) yield [`release ${number} is withdrawn`, say({ say: 'withdrawn', release: number }, 'withdrawals')];
  }
}

/** production-rollout, which begins what approval lets in at that moment and says what came of it. */
function* rollouts(state: State, rules: AllRules): Iterable<Move<State>> {
  const { tables, truth, left, said } = state;
  const [runs, before] = truth.history.toReversed();
  const now = new Date(Date.parse(state.now) + 1000).toISOString();
  const isHeard = said.every(({ say }) => say !== 'succeeded' && say !== 'removed' && say !== 'went back');
  for (const request of isHeard || !rules.waits ? tables.requests : []) {
    if (!isUnusedGrant(request) || request.grant.notAfter <= state.now || truth.begun.includes(request.id)) continue;
    const { number } = request.release;
    const started: Said = { say: 'started', release: number, grant: request.grant.id };
    const begun = [...truth.begun, request.id];
    const comes =
      (next: Said, change: Partial<Truth>, budget = left) =>
      () => {
        mustBeLetIn(state, request);
        const grants = { ...truth.grants, [number]: request.grant.id };
        return { ...state, now, said: [...said, started, next], truth: { ...truth, begun, grants, ...change }, left: budget };
      };
    yield [
      `release ${number} begins, and runs`,
      comes({ say: 'succeeded', release: number, at: now }, { history: [...truth.history.filter((each) => each !== number), number] }),
    ];
    if (left.failures === 0) continue;
    const back: Said =
      runs === undefined ? { say: 'removed', release: number, at: now } : { say: 'went back', release: runs, from: number, at: now };
    const isLeft = runs === undefined ? {} : leaving(truth, number);
    yield [`release ${number} begins, and fails`, comes(back, isLeft, spent(left, 'failures'))];
  }
  if (left.backs === 0 || runs === undefined || before === undefined) return;
  yield [
    `Otto goes back to release ${before}`,
    () => ({
      ...state,
      now,
      said: [
        ...said,
        { say: 'started', release: before, grant: truth.grants[before] ?? '' },
        { say: 'went back', release: before, from: runs, at: now },
      ],
      truth: { ...truth, ...leaving(truth, runs), history: truth.history.slice(0, -1) },
      left: spent(left, 'backs'),
    }),
  ];
}

function leaving(truth: Truth, number: number): Pick<Truth, 'left' | 'askedAnew'> {
  return { left: withOne(truth.left, number), askedAnew: truth.askedAnew.filter((each) => each !== number) };
}

function withOne(numbers: readonly number[], one: number): readonly number[] {
  return releases.map(({ number }) => number).filter((number) => number === one || numbers.includes(number));
}

/** Promises 2, 4 and 11 at the very moment the intent is written, by what really happened. */
function mustBeLetIn({ tables, truth }: State, request: ApprovalRequest): void {
  const { number } = request.release;
  const runs = truth.history.at(-1) ?? 0;
  const authors = Array.from({ length: Math.max(0, number - runs) }, (_, at) => authorOf(runs + 1 + at));
  const isSigned = truth.signatures.some(
    ({ by, request: id, asks }) => id === request.id && asks === request.asks && !authors.some((author) => author === by),
  );
  const must = (promise: string, holds: boolean) => {
    if (!holds) throw new Broken(promise, [], `release ${number} did`, null);
  };
  must('nothing begins that nobody signed for who may, for exactly this', isSigned);
  must('nothing begins that is not as the project has it now', request.deployment.app.env['VERSION'] === `${tables.known.project.version}`);
  must('nothing begins that was withdrawn', !isWithdrawn(tables, request));
  must('nothing goes backwards by itself', number >= runs);
  must(
    'what was rolled back from begins again only where a person asks for it',
    !truth.left.includes(number) || truth.askedAnew.includes(number),
  );
}

function* worker(state: State, which: 0 | 1, rules: AllRules): Iterable<Move<State>> {
  const { tables, hands, left, now } = state;
  const hand = hands[which];
  const name = `worker ${which + 1}`;
  const put = (next: Hands | null): State['hands'] => (which === 0 ? [next, hands[1]] : [hands[0], next]);
  if (!hand) {
    for (const [clock, epoch] of Object.entries(tables.clocks)) {
      const isHeld = hands.some((other) => other?.clock === clock && other.epoch === epoch);
      if (epoch === -1 || momentOf(clock) > now || (isHeld && left.crashes === 0)) continue;
      yield [
        `${name} ${isHeld ? 'takes over' : 'takes'} the clock of ${nameOf(tables, requestOf(clock))}`,
        () => {
          const approval = new Approval(tables, now, rules);
          const claimed = approval.claim(clock);
          return {
            ...state,
            tables: approval.tables(),
            hands: put({ clock, epoch: claimed }),
            left: isHeld ? spent(left, 'crashes') : left,
          };
        },
      ];
    }
    return;
  }
  if (left.crashes > 0) yield [`${name} is killed`, () => ({ ...state, hands: put(null), left: spent(left, 'crashes') })];
  yield [
    `${name} brings the time to ${nameOf(tables, requestOf(hand.clock))}`,
    async () => {
      const approval = new Approval(tables, now, rules);
      try {
        await approval.ring(hand.clock, hand.epoch);
        return { ...state, tables: approval.tables(), hands: put(null) };
      } catch (error) {
        if (error instanceof LostClaim) return { ...state, hands: put(null) };
        throw error;
      }
    },
  ];
}

function isUndecided(request: ApprovalRequest): boolean {
  return request.state === 'open' || isUnusedGrant(request);
}

function isWithdrawn({ known }: Tables, { release: { id } }: ApprovalRequest): boolean {
  return known.releases.some(({ release, withdrawn }) => withdrawn && release.id === id);
}

function requestOf(clock: string): string {
  return clock.split('/')[0] ?? '';
}

function momentOf(clock: string): string {
  return clock.split('/')[1] ?? '';
}

function spent(left: Budget, what: keyof Budget): Budget {
  return { ...left, [what]: left[what] - 1 };
}

/** The first, second… request of its release. */
function nameOf({ requests }: Tables, id: string): string {
  const number = requests.find((request) => request.id === id)?.release.number ?? 0;
  const of = requests.filter(({ release }) => release.number === number);
  return `request ${of.findIndex((request) => request.id === id) + 1} of release ${number}`;
}

function wordsOf(said: Said, tables: Tables): string {
  switch (said.say) {
    case 'applied':
      return `version ${said.version} of the project`;
    case 'signed':
      return `${said.by}’s signature for ${nameOf(tables, said.request)}`;
    case 'went back':
      return `that release ${said.release} runs again after ${said.from}`;
    default:
      return `that release ${said.release} is ${said.say}`;
  }
}

/** All that decides anything: requests by their names, for their ids are new in every story; of a grant how often it was said; two workers are the same. */
function keyOf({ tables, said, hands, truth, now, left }: State): string {
  const { known, requests, nonces, clocks } = tables;
  const named = (text: string) => requests.reduce((words, { id }) => words.replaceAll(id, nameOf(tables, id)), text);
  const grants = new Map(
    requests.flatMap((request) => {
      const ids = request.state === 'granted' ? [...(request.grant.earlier ?? []), request.grant.id] : [];
      return ids.map((id, at) => [id, `grant ${at} by ${nameOf(tables, request.id)}`] as const);
    }),
  );
  const ofRequest = (request: ApprovalRequest) => {
    const { state, asks, involved, change, signOffs, openedAt, expiresAt } = request;
    const reason = request.state === 'voided' ? request.reason?.code : null;
    const grant = request.state === 'granted' ? [request.grant.issuedAt, request.grant.used, request.grant.earlier?.length] : null;
    const signed = signOffs.map(({ person }) => person.name);
    return JSON.stringify([
      nameOf(tables, request.id),
      state,
      asks,
      involved.length,
      change?.total,
      signed,
      openedAt,
      expiresAt,
      reason,
      grant,
    ]);
  };
  const words = said.map((each) => named(JSON.stringify({ ...each, grant: 'grant' in each ? (grants.get(each.grant) ?? 'other') : null })));
  const { begun, history, left: leftFrom, askedAnew, signatures } = truth;
  const truths = [history, leftFrom, askedAnew, begun.map(named).sort(), signatures.map((each) => named(JSON.stringify(each))).sort()];
  const begunBy = Object.entries(truth.grants).map(([number, grant]) => [number, grants.get(grant) ?? 'other']);
  return JSON.stringify([
    [
      known.project.version,
      known.releases.map(({ release, withdrawn }) => `${release.number} ${withdrawn}`).sort(),
      known.runs?.number,
      known.since,
    ],
    known.passages.map(({ release, environment, passedAt }) => `${release.number} ${environment} ${passedAt}`).sort(),
    [known.barred.map(String).sort(), requests.map(ofRequest).sort(), nonces.map(named).sort()],
    Object.entries(clocks)
      .map(([clock, epoch]) => named(`${clock} ${epoch}`))
      .sort(),
    words.sort(),
    hands.map((hand) => named(JSON.stringify(hand))).sort(),
    [truths, begunBy, now, left],
  ]);
}

const mostStates = 20_000;
const two = [1, 2];

describe('one environment that asks, two workers, and events in any order', () => {
  it.each<[string, readonly number[], Partial<Budget>, number]>([
    ['two releases', two, { signs: 2 }, 320],
    ['a release whose clock two workers have, three crashes', [1], { signs: 1, later: 2, crashes: 3 }, 4500],
    ['a project file that changes', two, { signs: 2, applies: 1 }, 3000],
    ['a rollout that fails, and is asked for anew', two, { signs: 3, failures: 1, asks: 1 }, 13_000],
    ['a rollback, and the same again', two, { signs: 3, backs: 1, asks: 1 }, 17_000],
    ['a release that is withdrawn', two, { signs: 2, withdrawals: 1 }, 1800],
    ['events that are heard twice', two, { signs: 2, twice: 2 }, 9500],
  ])(
    '%s: nothing unapproved, nothing backwards, and all is heard',
    async (_, numbers, budget, states) => {
      await explore(worldOf(numbers, budget), { atMost: mostStates, atLeast: { states, edges: 1.5 * states } });
    },
    120_000,
  );

  it.each<[string, Partial<AllRules>, Partial<Budget>, RegExp]>([
    [
      'nobody holds what is granted against a file that changed',
      { reconsiders: false },
      { signs: 1, applies: 1 },
      /^nothing begins that is not as the project/,
    ],
    [
      'nobody holds what is granted against what runs',
      { looksWhatStands: false },
      { signs: 2 },
      /^(nothing goes backwards|what is heard to be older)/,
    ],
    ['it begins before it is heard what runs', { waits: false }, { signs: 2 }, /^nothing goes backwards/],
    [
      'a sign-off carries over',
      { ofOneRequest: false },
      { signs: 1, asks: 1, later: 1, failures: 1 },
      /^nothing begins that nobody signed for/,
    ],
  ])('has teeth: %s', async (_, without, budget, promise) => {
    const broken = await brokenBy(worldOf(two, budget, { ...all, ...without }), mostStates);
    expect(broken.promise).toMatch(promise);
  });
});
