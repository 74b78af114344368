import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';

/** The row of a place as claims.ts changes it, in ticks of the database's clock; act.int.spec.ts holds the real one to it. */
interface Place {
  /** The claim that took it last. */
  readonly claim: number;
  /** Ticks until nothing that it was armed for can still be on its way. Not armed at 0. */
  readonly armedIn: number;
  /** Counts its armings, and so names the last. */
  readonly arming: number;
}

/** A worker with one operation of its own, of those that act on the place. */
interface Hands {
  readonly does: 'nothing' | 'acts' | 'sends' | 'calls';
  readonly claim: number;
  /** Ticks since it asked to be armed. */
  readonly ticks: number;
  /** The arming under which it calls. */
  readonly arming: number;
}

/** A call on its way to the outside: it arrives within its time-out, or never, whatever became of who sent it. */
interface Call {
  readonly claim: number;
  readonly left: number;
}

interface State {
  readonly place: Place;
  readonly hands: readonly [Hands, Hands];
  readonly calls: readonly Call[];
  readonly claims: number;
}

/** How operations share a place, and what that may be without. */
interface Rules {
  /** Nobody takes what is armed (`take`). Without: each waits for what its own row was armed for. */
  readonly waits: boolean;
  /** To arm asks whose the place is. */
  readonly fence: boolean;
  /** What was cut off, or failed in whatever way, stays armed: only answers disarm. */
  readonly answers: boolean;
  /** Only what was armed last is disarmed, and by who has the place. */
  readonly byName: boolean;
  /** How long a process may take from asking to be armed to its call, in ticks. */
  readonly stalls: number;
}

/** In ticks: a call, what an arming outlasts it by, and how long the answer to an arming and the way to the call may take. */
const [callTimeout, beyond, standsFor] = [1, 3, 2];
const whole: Rules = { waits: true, fence: true, answers: true, byName: true, stalls: standsFor };
/** Claims and armings in all. */
const [mostClaims, mostArmings] = [4, 4];
const idle: Hands = { does: 'nothing', claim: 0, ticks: 0, arming: 0 };
const start: State = { place: { claim: 0, armedIn: 0, arming: 0 }, hands: [idle, idle], calls: [], claims: 0 };

function worldOf(rules: Rules): World<State> {
  return {
    starts: { 'two operations are owed': start },
    *moves(state): Iterable<Move<State>> {
      if (state.calls.every(({ left }) => left > 0) && state.hands.every(({ does, ticks }) => does !== 'sends' || ticks < rules.stalls))
        yield ['time passes', () => tick(state)];
      for (const which of [0, 1] as const) yield* movesOf(state, which, rules);
      for (const [at, { claim }] of state.calls.entries())
        yield [
          `the call of claim ${claim} arrives, or is lost`,
          () => ({ ...state, calls: state.calls.filter((_, other) => other !== at) }),
        ];
    },
    always: {
      'what is on its way is of who has the place': ({ calls, place }) => calls.every(({ claim }) => claim === place.claim),
      'what is on its way was armed, and still is': ({ calls, place }) => calls.length === 0 || place.armedIn > 0,
    },
    reaches: { 'it can be taken again': ({ place, calls }) => place.armedIn === 0 && calls.length === 0 },
  };
}

function tick({ place, hands, calls, claims }: State): State {
  const older = ({ ticks, ...hand }: Hands): Hands => ({ ...hand, ticks: hand.does === 'sends' ? ticks + 1 : 0 });
  return {
    place: { ...place, armedIn: Math.max(0, place.armedIn - 1) },
    hands: [older(hands[0]), older(hands[1])],
    calls: calls.map(({ claim, left }) => ({ claim, left: left - 1 })),
    claims,
  };
}

function* movesOf(state: State, which: 0 | 1, rules: Rules): Iterable<Move<State>> {
  const { place, calls, claims } = state;
  const hand = state.hands[which];
  const name = `worker ${which + 1}`;
  const to = (next: Partial<Hands>, more: Partial<State> = {}): State => {
    const mine = { ...hand, ...next };
    return { ...state, ...more, hands: which === 0 ? [mine, state.hands[1]] : [state.hands[0], mine] };
  };
  if (hand.does !== 'nothing')
    yield [`${name} is killed, or cancelled`, () => to(idle, rules.answers ? {} : { place: disarmed(place, hand, rules) })];
  switch (hand.does) {
    case 'nothing': {
      if (claims === mostClaims || (rules.waits && place.armedIn > 0)) return;
      const claim = claims + 1;
      return yield [
        `${name} takes the place with claim ${claim}`,
        () => to({ does: 'acts', claim }, { place: { ...place, claim }, claims: claim }),
      ];
    }
    case 'acts': {
      if (place.arming === mostArmings) return;
      if (rules.fence && place.claim !== hand.claim) return yield [`${name} may not act: the place was taken`, () => to(idle)];
      const armed = { ...place, armedIn: Math.max(place.armedIn, callTimeout + beyond), arming: place.arming + 1 };
      return yield [`${name} arms`, () => to({ does: 'sends', ticks: 0, arming: armed.arming }, { place: armed })];
    }
    case 'sends':
      return yield [
        `${name} sends its call`,
        () => to({ does: 'calls', ticks: 0 }, { calls: [...calls, { claim: hand.claim, left: callTimeout }] }),
      ];
    case 'calls':
      if (calls.some(({ claim }) => claim === hand.claim)) return;
      yield [`${name} has its answer, and goes on`, () => to({ does: 'acts', arming: 0 }, { place: disarmed(place, hand, rules) })];
      return yield [`${name} has its answer, and ends`, () => to(idle, { place: disarmed(place, hand, rules) })];
  }
}

function disarmed(place: Place, { claim, arming }: Hands, { byName }: Rules): Place {
  return !byName || (place.claim === claim && place.arming === arming) ? { ...place, armedIn: 0 } : place;
}

const mostStates = 60_000;

describe('a place that two operations act on, with calls that come late', () => {
  it('is acted on by one at a time, and nothing comes from who had it before', async () => {
    await explore(worldOf(whole), { atMost: mostStates, atLeast: { states: 300, edges: 1_000 } });
  });

  it.each<[string, Partial<Rules>, RegExp]>([
    ['who takes it does not wait for what is armed there', { waits: false }, /^what is on its way is of who/],
    ['who had it before arms', { fence: false }, /^what is on its way is of who/],
    ['what was cut off is taken for answered', { answers: false }, /^what is on its way/],
    ['an answer disarms whatever is armed', { byName: false }, /^what is on its way/],
    ['a process stands still past what it armed', { stalls: callTimeout + beyond }, /^what is on its way/],
  ])('has teeth: %s', async (_, without, promise) => {
    const broken = await brokenBy(worldOf({ ...whole, ...without }), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story[0]).toBe('two operations are owed');
  });
});
