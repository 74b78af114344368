import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { armed, claimed, disarmed, isHeld, owed, type Row, renewed, settled, ticked } from './operation-row.fixture.js';

/** What a worker has in its hands; it is told apart from the other by nothing else. */
interface Hands {
  readonly does: 'nothing' | 'looks' | 'acts' | 'arms' | 'checks' | 'calls' | 'writes';
  readonly epoch: number;
  /** Ticks it believes to have, by its own clock; always less than the database gives it. */
  readonly lease: number;
  /** Ticks since it asked to be armed, or for which it stands between that answer and sending its call. */
  readonly ticks: number;
  /** The arming under which it calls, or called last. */
  readonly arming: number;
  /** The arming whose call was answered. */
  readonly answered: number;
}

/** A call on its way to the outside, where nothing can call it back. It arrives within its time-out, or never. */
interface Call {
  readonly epoch: number;
  readonly left: number;
}

/** A statement that disarms, on its way to the database: it may come there at any time, or never. */
interface Note {
  readonly epoch: number;
  readonly answered: number;
}

interface State {
  readonly row: Row;
  readonly hands: readonly [Hands, Hands];
  readonly calls: readonly Call[];
  readonly note: Note | null;
  /** How often a call had an effect. */
  readonly effects: number;
  readonly wrote: readonly { readonly epoch: number; readonly newest: number }[];
}

/** The protocol of libs/operations, and what it may be without. */
interface Rules {
  /** Nothing is sent that was not armed before (`act`). */
  readonly arms: boolean;
  /** Nor where the answer to that came too late. */
  readonly inTime: boolean;
  /** To arm asks for the epoch. */
  readonly armFence: boolean;
  /** Nobody takes what is armed (`claimDue`). */
  readonly waits: boolean;
  /** Disarmed is what was answered: `under way` disarms what was not, `any` whatever is armed by the time the statement comes. */
  readonly disarms: 'answered' | 'under way' | 'any';
  /** Transactions ask for the epoch (`fenced`). */
  readonly fence: boolean;
  /** Look first, adopt, else act. */
  readonly looks: boolean;
  /** How long a process may stand between being armed and sending, in ticks. */
  readonly stalls: number;
  /** The outside refuses a second thing of one name. */
  readonly names: boolean;
}

/** In ticks: a lease, of which the last is left alone, a call, and what an arming outlasts its call by. */
const [lease, margin, callTimeout, beyond] = [2, 1, 1, 3];
/** The answer to an arming may take a tick, and so may sending the call; the third keeps the last call apart from the next look. */
const [armsWithin, standsFor] = [1, 1];
const whole: Rules = {
  arms: true,
  inTime: true,
  armFence: true,
  waits: true,
  disarms: 'answered',
  fence: true,
  looks: true,
  stalls: standsFor,
  names: false,
};
/** Claims in all: each crash, three at most therefore, and each time somebody stands still until its lease is over, costs one. */
const mostEpochs = 3;
/** Armings in all: one that is answered too late is asked for anew. */
const mostArmings = 3;
const idle: Hands = { does: 'nothing', epoch: 0, lease: 0, ticks: 0, arming: 0, answered: 0 };
const start: State = { row: owed, hands: [idle, idle], calls: [], note: null, effects: 0, wrote: [] };

function worldOf(rules: Rules): World<State> {
  return {
    starts: { 'work is owed': start },
    // Two workers are the same but for what they hold: which of them holds it changes nothing that follows.
    key: keyOf,
    *moves(state): Iterable<Move<State>> {
      if (canTick(state, rules)) yield ['time passes', () => tick(state)];
      for (const which of [0, 1] as const) yield* movesOf(state, which, rules);
      for (const [at, call] of state.calls.entries()) {
        const calls = state.calls.filter((_, other) => other !== at);
        yield [`a call of epoch ${call.epoch} arrives`, () => ({ ...arrive(state, rules), calls })];
        yield [`a call of epoch ${call.epoch} is lost on its way`, () => ({ ...state, calls })];
      }
      if (state.note) yield ['what disarms comes to the database', () => noted(state, state.note as Note, rules)];
    },
    always: {
      'one effect': ({ effects }) => effects <= 1,
      'nothing is written under an older epoch than the newest': ({ wrote }) => wrote.every(({ epoch, newest }) => epoch === newest),
      'it is written once': ({ wrote }) => wrote.length <= 1,
      'never do both believe to hold it': ({ hands }) => hands.filter((each) => each.does !== 'nothing' && each.lease > 0).length <= 1,
      'what is on its way was armed, and still is': ({ calls, row }) => !rules.arms || rules.names || calls.length === 0 || row.armedIn > 0,
    },
    steps: {
      'epochs only grow': ({ row: before }, { row }) => row.epoch >= before.epoch,
      'what is done stays done': ({ row: before }, { row }) => before.state !== 'done' || row.state === 'done',
    },
    // Claims and armings are counted in this world: the last owner must not stand still for ever, as somebody always could take over.
    reaches: {
      'it is done, or tried too often for this world': ({ row }) =>
        row.state === 'done' || row.epoch === mostEpochs || row.arming === mostArmings,
    },
  };
}

function keyOf({ row, hands, calls, note, effects, wrote }: State): string {
  const words = ({ does, epoch, lease: left, ticks, arming, answered }: Hands) => `${does} ${epoch} ${left} ${ticks} ${arming} ${answered}`;
  const [one, other] = hands.map(words).sort();
  const flying = calls.map(({ epoch, left }) => `${epoch} ${left}`).join();
  const there = `${row.state} ${row.epoch} ${row.dueIn} ${row.armedIn} ${row.arming}`;
  const said = `${note?.epoch} ${note?.answered}|${wrote.map(({ epoch, newest }) => `${epoch} ${newest}`).join()}`;
  return `${there}|${one}|${other}|${flying}|${said}|${effects}`;
}

/** A call that is due arrives, or is lost, before time goes on; and nobody stands longer than is said before he sends. */
function canTick({ calls, hands }: State, { stalls }: Rules): boolean {
  return calls.every(({ left }) => left > 0) && hands.every(({ does, ticks }) => does !== 'checks' || ticks < stalls);
}

function tick(state: State): State {
  const hands = state.hands.map((each) => ({
    ...each,
    lease: Math.max(0, each.lease - 1),
    ticks: each.does === 'arms' ? Math.min(armsWithin + 1, each.ticks + 1) : each.does === 'checks' ? each.ticks + 1 : each.ticks,
  }));
  const calls = state.calls.map(({ epoch, left }) => ({ epoch, left: left - 1 }));
  return { ...state, row: ticked(state.row), hands: hands as unknown as State['hands'], calls };
}

function* movesOf(state: State, which: 0 | 1, rules: Rules): Iterable<Move<State>> {
  const { row } = state;
  const hand = state.hands[which];
  const name = `worker ${which + 1}`;
  const to = (next: Partial<Hands>, more: Partial<State> = {}): State => ({
    ...state,
    ...more,
    hands: put(state.hands, which, { ...hand, ...next }),
  });
  if (hand.does !== 'nothing') {
    yield [`${name} is killed`, () => to(idle)];
    const longer = renewed(row, hand.epoch, lease);
    yield [`${name} renews`, () => (longer ? to({ lease: lease - margin }, { row: longer }) : to(idle))];
  }
  const answered = rules.disarms === 'under way' && hand.does === 'calls' ? hand.arming : hand.answered;
  if (answered > 0 && !state.note)
    yield [`${name} disarms what was answered`, () => to({ answered: 0 }, { note: { epoch: hand.epoch, answered } })];
  switch (hand.does) {
    case 'nothing': {
      const mine = row.epoch < mostEpochs ? claimed(rules.waits ? row : { ...row, armedIn: 0 }, lease) : undefined;
      if (!mine) return;
      const how = row.state === 'running' ? 'takes over' : 'claims it';
      const next = { does: 'looks', epoch: mine.epoch, lease: lease - margin } as const;
      return yield [`${name} ${how} with epoch ${mine.epoch}`, () => to(next, { row: { ...mine, armedIn: row.armedIn } })];
    }
    case 'looks':
      return yield [`${name} looks what is there`, () => to({ does: rules.looks && state.effects > 0 ? 'writes' : 'acts' })];
    case 'acts':
      return yield* arming(state, hand, name, rules, to);
    case 'arms': {
      const inTime = hand.ticks <= armsWithin || !rules.inTime;
      return yield [`${name} is armed${inTime ? '' : ' too late'}`, () => to({ does: inTime ? 'checks' : 'acts', ticks: 0 })];
    }
    case 'checks': {
      const calls = [...state.calls, { epoch: hand.epoch, left: callTimeout }];
      return yield [`${name} sends its call`, () => to({ does: 'calls', ticks: 0 }, { calls })];
    }
    case 'calls': {
      if (!state.calls.some(({ epoch }) => epoch === hand.epoch))
        // Answered, lost, or out of time: it looks again before it believes anything.
        return yield [`${name} looks what came of it`, () => to({ does: 'looks', arming: 0, answered: hand.arming })];
      const left = settled(row, hand.epoch, 'ready', rules.disarms === 'under way' ? hand.arming : 0);
      return yield [`${name} is cut off, and hands over`, () => (left ? to(idle, { row: left }) : to(idle))];
    }
    case 'writes': {
      const wrote = [...state.wrote, { epoch: hand.epoch, newest: row.epoch }];
      const may = isHeld(row, hand.epoch);
      const done = settled(row, hand.epoch, 'done') ?? row;
      return yield [`${name} writes it down`, () => (may || !rules.fence ? to(idle, { row: done, wrote }) : to(idle))];
    }
  }
}

function* arming(
  { row }: State,
  { epoch }: Hands,
  name: string,
  rules: Rules,
  to: (next: Partial<Hands>, more?: Partial<State>) => State,
): Iterable<Move<State>> {
  if (!rules.arms) return yield [`${name} finds nothing`, () => to({ does: 'checks', ticks: 0 })];
  if (row.arming === mostArmings) return;
  const ready = armed(rules.armFence ? row : { ...row, state: 'running', epoch }, epoch, callTimeout + beyond);
  if (!ready) return yield [`${name} may not act: it lost it`, () => to(idle)];
  const after = { ...ready, state: row.state, epoch: row.epoch };
  yield [`${name} finds nothing, and arms`, () => to({ does: 'arms', ticks: 0, arming: after.arming, answered: 0 }, { row: after })];
}

function noted(state: State, { epoch, answered }: Note, { disarms }: Rules): State {
  return { ...state, note: null, row: disarmed(state.row, epoch, disarms === 'any' ? state.row.arming : answered) };
}

function put(hands: State['hands'], which: 0 | 1, next: Hands): State['hands'] {
  return which === 0 ? [next, hands[1]] : [hands[0], next];
}

function arrive(state: State, { names }: Rules): State {
  return names && state.effects > 0 ? state : { ...state, effects: state.effects + 1 };
}

const mostStates = 120_000;

describe('two workers, three crashes, and calls that come late', () => {
  it('have one effect, and write it once, under the newest epoch, where the outside refuses nothing', async () => {
    await explore(worldOf(whole), { atMost: mostStates, atLeast: { states: 50_000, edges: 300_000 } });
  });

  it('do so even where a process stands still past its lease in front of a call, if the outside refuses a second thing of one name', async () => {
    const still = { ...whole, names: true, stalls: callTimeout + beyond };
    await explore(worldOf(still), { atMost: mostStates, atLeast: { states: 80_000, edges: 500_000 } });
  }, 120_000);

  it.each<[string, Partial<Rules>, RegExp, number]>([
    ['a call is sent that was not armed', { arms: false }, /^one effect/, 11],
    ['who takes over does not wait for what is armed', { waits: false }, /^one effect/, 13],
    ['a call is sent though the answer that it is armed came late', { inTime: false }, /^what is on its way/, 9],
    ['who was overtaken arms', { armFence: false }, /^one effect/, 14],
    ['it is disarmed while a call is under way', { disarms: 'under way' }, /^what is on its way/, 6],
    ['what disarms comes late, and disarms what was armed since', { disarms: 'any' }, /^what is on its way/, 13],
    ['nobody looks first', { looks: false }, /^one effect/, 12],
    ['a process stands still past what it armed, and nothing is refused', { stalls: callTimeout + beyond }, /^what is on its way/, 9],
    ['the epoch is not asked for', { fence: false, names: true }, /^nothing is written under an older epoch/, 11],
  ])('has teeth: %s', async (_, without, promise, steps) => {
    const broken = await brokenBy(worldOf({ ...whole, ...without }), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(0, 2)).toEqual(['work is owed', 'worker 1 claims it with epoch 1']);
    expect(broken.story.length - 1).toBe(steps);
  });
});
