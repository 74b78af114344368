import { LostClaim } from '@slipway/operations';
import { goesBackwards } from '@slipway/release';
import { Broken, brokenBy, canonical, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import type { Rollout } from './domain/environment.js';
import { empty, releaseOf, type Said, Shop, type Tables } from './small-world.fixture.js';

/** What runs on the target: a release, by the rollout and attempt that brought it. */
interface Runs {
  readonly release: number;
  readonly by: string;
}

interface Hands {
  readonly does: 'nothing' | 'acts' | 'calls' | 'acts back' | 'calls back';
  readonly rollout: string;
  readonly epoch: number;
}

/** A call on its way to the target: it arrives some time or other, or never, whatever became of its sender. */
interface Call {
  readonly rollout: string;
  readonly epoch: number;
  readonly brings: Runs | null;
  readonly isBack: boolean;
}

interface State {
  readonly tables: Tables;
  readonly said: readonly Said[];
  readonly hands: readonly [Hands, Hands];
  readonly calls: readonly Call[];
  readonly runs: Runs | null;
  /** Every change of the target, as its own history has it: rollout, and whether forth or back. */
  readonly history: readonly string[];
  /** Rollouts of which it is kept that they failed and are taken back: kept before the first call of it. */
  readonly failed: readonly string[];
  readonly left: Budget;
}

/** How often each thing may still happen. */
interface Budget {
  readonly grants: readonly number[];
  readonly anew: number;
  readonly voids: number;
  readonly withdrawals: number;
  readonly backs: number;
  readonly twice: number;
  readonly crashes: number;
  readonly failures: number;
}

interface Rules {
  /** The transaction that writes the intent asks approval's view. */
  readonly asksView: boolean;
  /** Transactions ask for the epoch. */
  readonly fence: boolean;
  /** Whoever takes over waits until calls of the one before have arrived or never will (lease.model.spec.ts). */
  readonly waits: boolean;
}

const whole: Rules = { asksView: true, fence: true, waits: true };
const none: Budget = { grants: [], anew: 0, voids: 0, withdrawals: 0, backs: 0, twice: 0, crashes: 0, failures: 0 };
const idle: Hands = { does: 'nothing', rollout: '', epoch: 0 };

function worldOf(budget: Partial<Budget>, rules: Rules = whole): World<State> {
  const left = { ...none, ...budget };
  const start: State = { tables: empty, said: [], hands: [idle, idle], calls: [], runs: null, history: [], failed: [], left };
  return {
    starts: { 'nothing runs': start },
    key: keyOf,
    *moves(state): Iterable<Move<State>> {
      yield* approval(state, rules);
      yield* events(state, rules);
      for (const which of [0, 1] as const) yield* worker(state, which, rules);
      for (const call of state.calls) {
        const others = { ...state, calls: state.calls.filter((each) => each !== call) };
        yield [`a call of epoch ${call.epoch} for ${wordsOf(call.brings)} arrives`, () => arrived(others, call)];
        if (state.left.crashes > 0)
          yield [`a call of epoch ${call.epoch} is lost`, () => ({ ...others, left: spent(state.left, 'crashes') })];
      }
    },
    always: {
      'one rollout at a time': ({ tables }) => inState(tables, 'running').length <= 1,
      'one effect of a rollout, and one of its way back': ({ history }) => new Set(history).size === history.length,
    },
    steps: {
      'never backwards but by a rollback, or back after a failure': backwards,
      'only what is under way changes the target': ({ runs: before, tables }, { runs: after }, does) =>
        JSON.stringify(before) === JSON.stringify(after) || !does.endsWith('arrives') || inState(tables, 'running').length === 1,
    },
    reaches: {
      'all is heard and done, and nothing waits': ({ said, tables, hands }) =>
        said.length === 0 && hands.every(({ does }) => does === 'nothing') && Object.values(tables.owed).every((epoch) => epoch === -1),
    },
  };
}

function* approval(state: State, rules: Rules): Iterable<Move<State>> {
  const { tables, left } = state;
  const running = tables.kept.state.running?.release ?? null;
  const does = (budget: Partial<Budget>, say: (shop: Shop) => readonly Said[]) => () => {
    const shop = new Shop(tables, rules);
    const said = say(shop);
    return { ...state, tables: shop.tables(), said: [...state.said, ...said], left: { ...left, ...budget } };
  };
  for (const number of new Set(left.grants)) {
    const grants = left.grants.toSpliced(left.grants.indexOf(number), 1);
    const { id } = releaseOf(number);
    if (!tables.good[number] && !tables.kept.gone.includes(id) && !goesBackwards(running, releaseOf(number)))
      yield [`release ${number} is granted`, does({ grants }, (shop) => shop.grant(number, false))];
  }
  for (const number of Object.keys(tables.good).map(Number)) {
    if (left.anew > 0)
      yield [`the grant of release ${number} is said anew`, does({ anew: left.anew - 1 }, (shop) => shop.grant(number, true))];
    if (left.voids > 0)
      yield [
        `the grant of release ${number} is voided`,
        does({ voids: left.voids - 1 }, (shop) => [shop.ended(number, { say: 'voided', by: 0 })]),
      ];
    if (left.withdrawals > 0)
      yield [
        `release ${number} is withdrawn`,
        does({ withdrawals: left.withdrawals - 1 }, (shop) => [
          shop.ended(number, { say: 'voided', by: 0 }),
          { say: 'withdrawn', release: number },
        ]),
      ];
  }
  if (left.backs > 0) yield ['Otto asks to go back', does({ backs: left.backs - 1 }, () => [{ say: 'back', to: null }])];
}

/** In any order: what comes late was lost and is said again. What comes twice is its own, for an inbox forgets in the end. */
function* events(state: State, rules: Rules): Iterable<Move<State>> {
  for (const said of state.said) {
    const heard = async (later: readonly Said[], left: Budget): Promise<State> => {
      const shop = new Shop(state.tables, rules);
      await shop.hear(said);
      return { ...state, tables: shop.tables(), said: later, left };
    };
    const others = state.said.filter((each) => each !== said);
    const words = said.say === 'back' ? 'the rollback asked for is heard' : `that release ${said.release} is ${said.say} is heard`;
    yield [words, () => heard(others, state.left)];
    if (state.left.twice > 0) yield [`${words}, and will be again`, () => heard(state.said, spent(state.left, 'twice'))];
  }
}

function* worker(state: State, which: 0 | 1, rules: Rules): Iterable<Move<State>> {
  const { tables, left, calls, runs } = state;
  const hand = state.hands[which];
  const name = `worker ${which + 1}`;
  const to = (next: Partial<Hands>, more: Partial<State> = {}): State => ({
    ...state,
    ...more,
    hands: put(state.hands, which, { ...hand, ...next }),
  });
  if (hand.does === 'nothing') {
    for (const [rollout, epoch] of Object.entries(tables.owed)) {
      const isHeld = state.hands.some((other) => other.does !== 'nothing' && other.rollout === rollout && other.epoch === epoch);
      if (epoch === -1 || (isHeld && left.crashes === 0)) continue;
      if (rules.waits && calls.some((call) => call.rollout === rollout)) continue;
      const taken = isHeld ? { ...state, left: spent(left, 'crashes') } : state;
      yield [`${name} ${isHeld ? 'takes over' : 'takes'} ${nameOf(tables, rollout)}`, () => begins(taken, which, rollout, rules)];
    }
    return;
  }
  if (left.crashes > 0) yield [`${name} is killed`, () => to(idle, { left: spent(left, 'crashes') })];
  const rollout = tables.kept.rollouts.find(({ id }) => id === hand.rollout) as Rollout;
  const mine: Runs = { release: rollout.release.number, by: `${rollout.id}/${rollout.attempt}` };
  const isThere = runs?.by === mine.by;
  const flying = calls.some((call) => call.rollout === rollout.id && call.epoch === hand.epoch);
  const holds = tables.owed[rollout.id] === hand.epoch;
  const send = (brings: Runs | null, does: 'calls' | 'calls back'): Move<State> => [
    `${name} calls for ${wordsOf(brings)}`,
    () => to({ does }, { calls: [...calls, { rollout: rollout.id, epoch: hand.epoch, brings, isBack: does === 'calls back' }] }),
  ];
  // No call begins without lease enough for it, and nothing is noted by who lost it.
  if ((hand.does === 'acts' || hand.does === 'acts back') && !holds) return yield [`${name} finds that it lost it`, () => to(idle)];
  switch (hand.does) {
    case 'acts':
      return yield isThere ? [`${name} finds it there`, () => to({ does: 'calls' })] : send(mine, 'calls');
    case 'calls': {
      if (flying) return;
      if (!isThere) return yield [`${name} looks again`, () => to({ does: 'acts' })];
      yield [`${name} writes that it is good`, () => ends(state, which, rollout, 'good', rules)];
      if (left.failures === 0 || !holds) return;
      const failed = { ...state, left: spent(left, 'failures'), failed: [...state.failed, rollout.id] };
      if (rollout.kind === 'rollback') return yield [`${name} writes that it failed`, () => ends(failed, which, rollout, 'held', rules)];
      return yield [`${name} notes that it failed`, () => ({ ...failed, hands: put(state.hands, which, { ...hand, does: 'acts back' }) })];
    }
    case 'acts back': {
      const before = new Shop(tables, rules).before(rollout);
      const back = before ? { release: before.release.number, by: `${before.rollout}/${before.attempt}` } : null;
      return yield runs?.by === back?.by ? [`${name} finds it back`, () => to({ does: 'calls back' })] : send(back, 'calls back');
    }
    case 'calls back':
      if (flying) return;
      if (isThere) return yield [`${name} looks again`, () => to({ does: 'acts back' })];
      return yield [`${name} writes that it is back`, () => ends(state, which, rollout, runs ? 'restored' : 'removed', rules)];
  }
}

/**
 * Taking a claim, waiting for the calls of who had it before, and the first transaction are one step: who loses the claim in between changes nothing
 * (lease.model.spec.ts), and one that must wait for its turn gives the claim back as it was.
 */
async function begins(state: State, which: 0 | 1, id: string, rules: Rules): Promise<State> {
  const shop = new Shop(state.tables, rules);
  const epoch = shop.claim(id);
  const rollout = state.tables.kept.rollouts.find((each) => each.id === id) as Rollout;
  const begun = rollout.state === 'running' ? 'begun' : await shop.begin(rollout, epoch);
  if (typeof begun === 'object') return { ...state, tables: { ...shop.tables(), owed: state.tables.owed } };
  const does = state.failed.includes(id) ? 'acts back' : 'acts';
  return { ...state, tables: shop.tables(), hands: put(state.hands, which, begun === 'begun' ? { does, rollout: id, epoch } : idle) };
}

async function ends(state: State, which: 0 | 1, rollout: Rollout, how: Parameters<Shop['end']>[2], rules: Rules): Promise<State> {
  const shop = new Shop(state.tables, rules);
  const { epoch } = state.hands[which];
  const hands = put(state.hands, which, idle);
  try {
    await shop.end(rollout, epoch, how);
    const newest = state.tables.owed[rollout.id];
    if (newest !== epoch) throw new Broken('nothing is written under an older epoch than the newest', [], `${epoch}, not ${newest}`, null);
    return { ...state, tables: shop.tables(), hands };
  } catch (error) {
    if (error instanceof LostClaim) return { ...state, tables: shop.tables(), hands };
    throw error;
  }
}

function arrived(state: State, { rollout, brings, isBack }: Call): State {
  if (state.runs?.by === brings?.by) return state;
  return { ...state, runs: brings, history: [...state.history, `${rollout} ${isBack ? 'back' : 'forth'}`] };
}

function backwards({ runs: before, tables }: State, { runs: after }: State, does: string): boolean {
  if (!before || !after || before.by === after.by || !does.includes('arrives')) return true;
  if (!goesBackwards(releaseOf(before.release), releaseOf(after.release))) return true;
  const [running] = inState(tables, 'running');
  const isRestored = running !== undefined && after.by !== `${running.id}/${running.attempt}`;
  return running?.kind === 'rollback' || isRestored;
}

function inState({ kept }: Tables, state: Rollout['state']): readonly Rollout[] {
  return kept.rollouts.filter((rollout) => rollout.state === state);
}

function nameOf({ kept }: Tables, id: string): string {
  const { kind, release } = kept.rollouts.find((rollout) => rollout.id === id) as Rollout;
  return `the ${kind} of release ${release.number}`;
}

function wordsOf(runs: Runs | null): string {
  return runs ? `release ${runs.release}` : 'nothing';
}

function spent(left: Budget, what: 'twice' | 'crashes' | 'failures'): Budget {
  return { ...left, [what]: left[what] - 1 };
}

function put(hands: State['hands'], which: 0 | 1, next: Hands): State['hands'] {
  return which === 0 ? [next, hands[1]] : [hands[0], next];
}

/** All that decides anything; of a grant its ids and its time, of a deployment nothing, for it hangs on its release alone. Two workers are the same. */
function keyOf({ tables: { kept, good, owed }, said, hands, calls, ...rest }: State): string {
  // Epochs of one rollout are compared with each other only.
  const epochOf = (rollout: string, epoch: number) => {
    const known = [...hands, ...calls].filter((each) => each.rollout === rollout).map((each) => each.epoch);
    return epoch <= 0 ? epoch : [...new Set([...known, owed[rollout] ?? 0])].sort((one, other) => one - other).indexOf(epoch);
  };
  const grantOf = (statement: { grant: string; request: string; issuedAt: string }) => [
    statement.grant,
    statement.request,
    statement.issuedAt,
  ];
  const ofRollout = ({ id, kind, release, state, attempt, grant }: Rollout) => [
    id,
    kind,
    release.number,
    state,
    attempt,
    grant.id,
    grant.request,
    grant.issuedAt,
  ];
  const standing = (each: { rollout: string; release: { number: number }; attempt: number; grant: { id: string } } | null) =>
    each && [each.rollout, each.release.number, each.attempt, each.grant.id];
  const { running, history, barred, attempts, heldBy, commandedAt } = kept.state;
  const words = said
    .map((each) =>
      'statement' in each ? [each.say, each.release, each.statement.issuedAt, ...grantOf(each.statement)] : Object.values(each),
    )
    .sort((one, other) => (one.join() < other.join() ? -1 : 1));
  return canonical([
    kept.rollouts.map(ofRollout),
    [standing(running), history.map((each) => [each.rollout, each.release.number]), barred, attempts, heldBy, commandedAt],
    [kept.gone, kept.ends.map(([request]) => request), Object.entries(good).map(([number, each]) => [number, grantOf(each)])],
    [Object.entries(owed).map(([rollout, epoch]) => [rollout, epochOf(rollout, epoch)]), words],
    hands.map(({ does, rollout, epoch }) => `${does} ${epochOf(rollout, epoch)} ${rollout}`).sort(),
    calls.map((call) => JSON.stringify({ ...call, epoch: epochOf(call.rollout, call.epoch) })).sort(),
    rest,
  ]);
}

const mostStates = 25_000;

describe('one environment, two workers, and events in any order', () => {
  it.each<[string, Partial<Budget>, number]>([
    ['two releases, three crashes', { grants: [1, 2], crashes: 3 }, 2000],
    ['a release that fails, crashes on its way back', { grants: [1, 2], crashes: 2, failures: 1 }, 3500],
    ['a rollback, a failure, a crash', { grants: [1, 2], backs: 1, failures: 1, crashes: 1 }, 4500],
    ['a release that failed and is asked for anew', { grants: [1, 2, 2], failures: 1 }, 1700],
    ['grants that are voided, said anew', { grants: [1, 2], voids: 1, anew: 1 }, 2600],
    ['events that are heard twice', { grants: [1, 2], voids: 1, twice: 1 }, 1800],
    ['a release that is withdrawn, a rollback, a failure', { grants: [1, 2], withdrawals: 1, backs: 1, failures: 1 }, 4000],
    ['three releases', { grants: [1, 2, 3] }, 6000],
  ])(
    '%s: nothing unapproved, nothing twice, nothing backwards, and all comes to rest',
    async (_, budget, states) => {
      await explore(worldOf(budget), { atMost: mostStates, atLeast: { states, edges: 2 * states } });
    },
    120_000,
  );

  it.each<[string, Partial<Rules>, Partial<Budget>, RegExp, number, string[]]>([
    [
      'nobody asks approval’s view',
      { asksView: false },
      { grants: [1], voids: 1 },
      /^nothing unapproved begins/,
      4,
      ['the grant of release 1 is voided', 'that release 1 is granted is heard', 'worker 1 takes the rollout of release 1'],
    ],
    [
      'the epoch is not asked for',
      { fence: false },
      { grants: [1], crashes: 1 },
      /^nothing is written under an older epoch/,
      7,
      ['worker 2 takes over the rollout of release 1', 'worker 1 writes that it is good'],
    ],
    [
      'who takes over does not wait for late calls',
      { waits: false },
      { grants: [1, 2], crashes: 2 },
      /^(one effect of a rollout|never backwards)/,
      14,
      ['a call of epoch 1 for release 2 arrives', 'a call of epoch 1 for release 1 arrives'],
    ],
  ])('has teeth: %s', async (_, without, budget, promise, steps, ending) => {
    const broken = await brokenBy(worldOf(budget, { ...whole, ...without }), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.length - 1).toBe(steps);
    expect(broken.story.slice(-ending.length)).toEqual(ending);
  });
});
