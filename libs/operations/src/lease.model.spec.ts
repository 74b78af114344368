import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { claimed, isHeld, owed, type Row, renewed, settled, ticked } from './operation-row.fixture.js';

/** What a worker has in its hands; it is told apart from the other by nothing else. */
interface Hands {
  readonly does: 'nothing' | 'waits' | 'looks' | 'checks' | 'calls' | 'writes';
  readonly epoch: number;
  /** Ticks it believes to have, by its own clock; always less than the database gives it. */
  readonly lease: number;
  /** Ticks it still waits after a takeover, or stands between looking at its lease and sending its call. */
  readonly ticks: number;
}

/** A call on its way to the outside, where nothing can call it back. It arrives within its time-out, or never. */
interface Call {
  readonly epoch: number;
  readonly left: number;
}

interface State {
  readonly row: Row;
  readonly hands: readonly [Hands, Hands];
  readonly calls: readonly Call[];
  /** What the outside did, in its own words: the epoch of every call that had an effect. */
  readonly effects: readonly number[];
  readonly wrote: readonly { readonly epoch: number; readonly newest: number }[];
  readonly crashes: number;
}

/** The protocol of libs/operations, and what it may be without. */
interface Rules {
  /** Whoever takes over waits for the last call of the one before (`runClaim`). */
  readonly waits: boolean;
  /** No call begins with less lease left than it may take (`enough`). */
  readonly enough: boolean;
  /** Transactions ask for the epoch (`fenced`). */
  readonly fence: boolean;
  /** Look first, adopt, else act. */
  readonly looks: boolean;
  /** How long a process may stand between looking at its lease and sending, in ticks. */
  readonly stalls: number;
  /** The outside refuses a second thing of one name. */
  readonly names: boolean;
}

/** A tick is a third of a lease less its margin: 15 s, of which the last 2 are left alone, and calls of 8 s. */
const [lease, margin, callTimeout] = [4, 1, 2];
const whole: Rules = { waits: true, enough: true, fence: true, looks: true, stalls: callTimeout, names: false };
const mostCrashes = 3;
/** Claims in all: each crash, and each time somebody stands still until its lease is over, costs one. */
const mostEpochs = 4;
const idle: Hands = { does: 'nothing', epoch: 0, lease: 0, ticks: 0 };
const start: State = { row: owed, hands: [idle, idle], calls: [], effects: [], wrote: [], crashes: 0 };

function worldOf(rules: Rules): World<State> {
  return {
    starts: { 'work is owed': start },
    // Two workers are the same but for what they hold: which of them holds it changes nothing that follows.
    key: keyOf,
    *moves(state): Iterable<Move<State>> {
      if (canTick(state, rules)) yield ['time passes', () => tick(state)];
      for (const which of [0, 1] as const) yield* movesOf(state, which, rules);
      for (const [at, call] of state.calls.entries()) {
        const calls = state.calls.filter((each) => each !== call);
        yield [`a call of epoch ${call.epoch} arrives`, () => ({ ...arrive(state, call, rules), calls })];
        yield [
          `a call of epoch ${call.epoch} is lost on its way`,
          () => ({ ...state, calls: state.calls.filter((_, other) => other !== at) }),
        ];
      }
    },
    always: {
      'one effect': ({ effects }) => effects.length <= 1,
      'nothing is written under an older epoch than the newest': ({ wrote }) => wrote.every(({ epoch, newest }) => epoch === newest),
      'it is written once': ({ wrote }) => wrote.length <= 1,
      'never do both believe to hold it': ({ hands }) => hands.filter((each) => each.does !== 'nothing' && each.lease > 0).length <= 1,
    },
    steps: {
      'epochs only grow': ({ row: before }, { row }) => row.epoch >= before.epoch,
      'what is done stays done': ({ row: before }, { row }) => before.state !== 'done' || row.state === 'done',
    },
    // Claims are counted in this world: the last owner must not stand still for ever, as somebody always could take over.
    reaches: { 'it is done, or claimed too often for this world': ({ row }) => row.state === 'done' || row.epoch === mostEpochs },
  };
}

function keyOf({ row, hands, calls, effects, wrote, crashes }: State): string {
  const [one, other] = hands.map(({ does, epoch, lease: left, ticks }) => `${does} ${epoch} ${left} ${ticks}`).sort();
  const flying = calls.map(({ epoch, left }) => `${epoch} ${left}`).join();
  return `${row.state} ${row.epoch} ${row.dueIn}|${one}|${other}|${flying}|${effects.join()}|${wrote.map(({ epoch, newest }) => `${epoch} ${newest}`).join()}|${crashes}`;
}

/** A call that is due arrives, or is lost, before time goes on; and nobody stands longer than is said before he sends. */
function canTick({ calls, hands }: State, { stalls }: Rules): boolean {
  return calls.every(({ left }) => left > 0) && hands.every(({ does, ticks }) => does !== 'checks' || ticks < stalls);
}

function tick(state: State): State {
  const hands = state.hands.map((each) => ({
    ...each,
    lease: Math.max(0, each.lease - 1),
    ticks: each.does === 'waits' ? Math.max(0, each.ticks - 1) : each.does === 'checks' ? each.ticks + 1 : each.ticks,
  }));
  const calls = state.calls.map(({ epoch, left }) => ({ epoch, left: left - 1 }));
  return { ...state, row: ticked(state.row), hands: hands as unknown as State['hands'], calls };
}

function* movesOf(state: State, which: 0 | 1, rules: Rules): Iterable<Move<State>> {
  const { row, crashes } = state;
  const hand = state.hands[which];
  const name = `worker ${which + 1}`;
  const to = (next: Partial<Hands>, more: Partial<State> = {}): State => ({
    ...state,
    ...more,
    hands: put(state.hands, which, { ...hand, ...next }),
  });
  if (hand.does !== 'nothing' && crashes < mostCrashes) yield [`${name} is killed`, () => to(idle, { crashes: crashes + 1 })];
  if (hand.does !== 'nothing') {
    const longer = renewed(row, hand.epoch, lease);
    yield [`${name} renews`, () => (longer ? to({ lease: lease - margin }, { row: longer }) : to(idle))];
  }
  switch (hand.does) {
    case 'nothing': {
      const mine = row.epoch < mostEpochs ? claimed(row, lease) : undefined;
      if (!mine) return;
      const waits = mine.takeover && rules.waits ? callTimeout : 0;
      const next = { does: 'waits', epoch: mine.row.epoch, lease: lease - margin, ticks: waits } as const;
      return yield [
        `${name} ${mine.takeover ? 'takes over' : 'claims it'} with epoch ${mine.row.epoch}`,
        () => to(next, { row: mine.row }),
      ];
    }
    case 'waits':
      if (hand.ticks > 0) return;
      return yield [`${name} looks what is there`, () => to({ does: rules.looks && state.effects.length > 0 ? 'writes' : 'looks' })];
    case 'looks':
      if (rules.enough && hand.lease < callTimeout) return;
      return yield [`${name} finds nothing, and lease enough for a call`, () => to({ does: 'checks', ticks: 0 })];
    case 'checks': {
      const calls = [...state.calls, { epoch: hand.epoch, left: callTimeout }];
      return yield [`${name} sends its call`, () => to({ does: 'calls', ticks: 0 }, { calls })];
    }
    case 'calls':
      if (state.calls.some(({ epoch }) => epoch === hand.epoch)) return;
      // Answered, lost, or out of time: it looks again before it believes anything.
      return yield [`${name} looks what came of it`, () => to({ does: state.effects.length > 0 ? 'writes' : 'looks' })];
    case 'writes': {
      const wrote = [...state.wrote, { epoch: hand.epoch, newest: row.epoch }];
      const may = isHeld(row, hand.epoch);
      const done = settled(row, hand.epoch, 'done') ?? row;
      return yield [`${name} writes it down`, () => (may || !rules.fence ? to(idle, { row: done, wrote }) : to(idle))];
    }
  }
}

function put(hands: State['hands'], which: 0 | 1, next: Hands): State['hands'] {
  return which === 0 ? [next, hands[1]] : [hands[0], next];
}

function arrive(state: State, { epoch }: Call, { names }: Rules): State {
  return names && state.effects.length > 0 ? state : { ...state, effects: [...state.effects, epoch] };
}

const mostStates = 30_000;

describe('two workers, three crashes, and calls that come late', () => {
  it('have one effect, and write it once, under the newest epoch, where the outside refuses nothing', async () => {
    await explore(worldOf(whole), { atMost: mostStates, atLeast: { states: 4500, edges: 25_000 } });
  });

  it('do so even where a process stands still past its lease in front of a call, if the outside refuses a second thing of one name', async () => {
    const still = { ...whole, names: true, stalls: lease };
    await explore(worldOf(still), { atMost: mostStates, atLeast: { states: 8000, edges: 40_000 } });
  }, 120_000);

  it.each<[string, Partial<Rules>, RegExp, number]>([
    ['who takes over does not wait for the last call of the one before', { waits: false }, /^one effect/, 14],
    ['a call begins whatever is left of the lease', { enough: false }, /^one effect/, 16],
    ['nobody looks first', { looks: false }, /^one effect/, 17],
    ['a process stands still past its lease in front of a call, and nothing is refused', { stalls: lease }, /^one effect/, 17],
    ['the epoch is not asked for', { fence: false, names: true }, /^nothing is written under an older epoch/, 12],
  ])('has teeth: %s', async (_, without, promise, steps) => {
    const broken = await brokenBy(worldOf({ ...whole, ...without }), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(0, 2)).toEqual(['work is owed', 'worker 1 claims it with epoch 1']);
    expect(broken.story.length - 1).toBe(steps);
  });
});
