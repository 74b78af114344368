import { brokenBy, explore, type Move, type World } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type Action, beginRollout, type Decision, decide, type RolloutState, resumeRollout, type Seen } from './rollout.js';
import { anInstance, goal as ofTwo, old, seenAs } from './rollout-examples.js';
import { crashesAllowed } from './signs.js';

/** A rollout, and what it wants to do next. */
interface State {
  readonly rollout: RolloutState;
  readonly next: Action;
  readonly saw: string;
}

type Deciding = (state: RolloutState, seen: Seen) => Decision;

/** One instance: what is counted of many is in rollout-properties.spec.ts. */
const goal = { ...ofTwo, instances: 1 };
const lastGood = { ...goal, release: 'before', digest: old };
/** Longer than an instance may take to get well, and more than one of them without progress is too long. */
const tickMs = 6000;
const one = anInstance();
const looked = (...[instances, given]: Parameters<typeof seenAs>): Seen => seenAs(instances, { wanted: 1, ...given });
const refusal = { kind: 'quota', reason: 'full' } as never;

/** What can be seen: of the target every kind of look, and all that may be in the way of one. */
const looks: Readonly<Record<string, Seen>> = {
  'nothing runs': looked([], { progress: 'moving' }),
  'what ran before runs': looked([anInstance({ digest: old, release: 'before' })]),
  'it runs and is unwell': looked([anInstance({ healthy: false, failures: 3, healthyForMs: 0 })], { progress: 'moving' }),
  'it has ended': looked([anInstance({ healthy: false, state: 'stopped', restarts: 3 })], { progress: 'moving' }),
  'it is well, for a moment': looked([anInstance({ healthyForMs: 10 })]),
  'it is well': looked([one]),
  'it is well, and what ran before runs too': looked([one, anInstance({ name: 'before', digest: old })], { progress: 'moving' }),
  'it is well, and runs twice': looked([one, anInstance({ name: 'two' })]),
  'it is well, and more are wanted': looked([one], { wanted: 2 }),
  'the target refuses': { kind: 'applied', at: 0, applied: { ...appliedOf(looked([])), progress: 'refused', refusal } },
  'nobody answers': { kind: 'unavailable', reason: 'away' },
  'the line is stopped': { kind: 'held', reason: 'stop' },
  'somebody aborts it': { kind: 'abort', at: 0, reason: 'x', after: 'rollback' },
  'somebody aborts it where it is': { kind: 'abort', at: 0, reason: 'x', after: 'hold' },
  'what was before cannot be had': { kind: 'cannot-restore', reason: 'gone' },
  'all is removed': { kind: 'removed', at: 0 },
};

function appliedOf(seen: Seen) {
  return (seen as Extract<Seen, { kind: 'applied' }>).applied;
}

function worldOf(deciding: Deciding = decide): World<State> {
  const begin = (onFailure: 'rollback' | 'hold', ...last: [typeof lastGood?, boolean?]) => {
    const rollout = beginRollout(goal, { deadlineMs: tickMs, onFailure }, ...last);
    return { rollout, next: deciding(rollout, { kind: 'nothing' }).action, saw: '' };
  };
  return {
    starts: {
      'the first of its environment': begin('rollback'),
      'another ran before': begin('rollback', lastGood, false),
      'another ran before, elsewhere': begin('rollback', lastGood, true),
      'whose failure is to be left for a look': begin('hold', lastGood, false),
    },
    key: keyOf,
    *moves({ rollout }): Iterable<Move<State>> {
      const at = (rollout.time.lastAnswerAt ?? 0) + tickMs;
      for (const [saw, seen] of Object.entries(looks))
        yield [saw, () => after(deciding(rollout, 'at' in seen ? { ...seen, at } : seen), saw)];
      // Whoever takes over begins with what was kept, and with no clock.
      const again = beginRollout(goal, rollout.policy, rollout.lastGood, rollout.elsewhere);
      const { lastAnswerAt: _, ...time } = rollout.time;
      yield [
        'its worker dies, another goes on',
        () => after(deciding(resumeRollout({ ...rollout, time }, again), { kind: 'nothing' }), ''),
      ];
    },
    always: {
      'what has failed goes on with nothing new': ({ rollout, next }) => !(rollout.failure && next.do === 'apply' && next.to === 'goal'),
      'it goes back only to what was good, and only after a failure': ({ rollout, next }) =>
        next.do !== 'apply' || next.to !== 'last-good' || (rollout.lastGood !== undefined && rollout.failure !== undefined),
      'what ran before is never taken away': ({ rollout, next }) =>
        next.do !== 'remove' || rollout.lastGood === undefined || rollout.elsewhere === true,
      'it ends exactly when it has a verdict': ({ rollout, next }) =>
        (rollout.phase === 'ended') === (rollout.verdict !== undefined) && (next.do === 'end') === (rollout.verdict !== undefined),
    },
    steps: {
      'it is good only when all of it, and nothing else, has been well for long enough': ({ rollout: was }, { rollout: is, saw }) =>
        was.verdict !== undefined || is.verdict?.outcome !== 'succeeded' || (was.phase === 'applying' && saw === 'it is well'),
      'a verdict stands': ({ rollout: was }, { rollout: is }) => was.verdict === undefined || is.verdict === was.verdict,
      'it turns back once and never again': ({ rollout: was }, { rollout: is }) =>
        was.phase === is.phase || was.phase === 'applying' || is.phase === 'ended',
      'it is restored only where what ran before runs, or was never touched': ({ rollout: was }, { rollout: is, saw }) =>
        was.verdict !== undefined ||
        is.verdict?.outcome !== 'failed' ||
        is.verdict.after.now !== 'restored' ||
        (was.elsewhere ? saw === 'all is removed' : saw === 'what ran before runs'),
      'nobody’s absence fails it': ({ rollout: was }, { rollout: is, saw }) =>
        (saw !== 'nobody answers' && saw !== 'the line is stopped') || (is.failure === was.failure && is.verdict === was.verdict),
    },
    reaches: { 'it ends': ({ rollout }) => rollout.verdict !== undefined },
  };
}

/**
 * Of moments only what lies between them is ever read, and beyond the longest patience only that it is longer; of the clock only whether it ran; of crashes
 * only whether they are too many. How long it took is told and read by nobody.
 */
function keyOf({ rollout: { time, progressAt, tracks, verdict, ...rest }, next }: State): string {
  const ago = (moment: number) => Math.min(time.totalMs - moment, 2 * tickMs);
  const told = Object.entries(tracks).map(([name, track]) => [
    name,
    { ...track, since: ago(track.since), crashes: Math.min(track.crashes, crashesAllowed) },
  ]);
  const counted = [time.lastAnswerAt === undefined, ago(progressAt), told];
  return JSON.stringify(verdict ? [verdict, rest.phase] : [rest, counted, next], (name, value: unknown) => (name === 'tookMs' ? 0 : value));
}

function after({ state, action }: Decision, saw: string): State {
  return { rollout: state, next: action, saw };
}

const mostStates = 6000;

describe('every rollout against everything that can be seen of it', () => {
  it('is good only when all is well, turns back once at most, and ends', async () => {
    await explore(worldOf(), { atMost: mostStates, atLeast: { states: 4000, edges: 60_000 } });
  }, 120_000);

  it.each<[string, Deciding, RegExp, string[]]>([
    [
      'believes a moment',
      (state, seen) => decide({ ...state, goal: { ...state.goal, stableMs: 0 } }, seen),
      /it is good only when/,
      ['it is well, for a moment'],
    ],
    [
      'tries again after a failure',
      (state, seen) => {
        const decision = decide(state, seen);
        return decision.state.phase === 'restoring' ? { ...decision, state: { ...decision.state, phase: 'applying' } } : decision;
      },
      /what has failed goes on with nothing new/,
      ['what ran before runs', 'nothing runs'],
    ],
    [
      'counts the time in which nobody answers',
      (state, seen) =>
        seen.kind === 'unavailable' ? decide(state, { kind: 'abort', at: 0, reason: 'late', after: 'rollback' }) : decide(state, seen),
      /absence/,
      ['nobody answers'],
    ],
  ])('has teeth: a core that %s', async (_, deciding, promise, story) => {
    const broken = await brokenBy(worldOf(deciding), mostStates);
    expect(broken.promise).toMatch(promise);
    expect(broken.story.slice(1)).toEqual(story);
  });
});
