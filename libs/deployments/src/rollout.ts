import type { Applied, Instance, InstanceEvidence } from '@slipway/orchestrators';
import { type AnsweredTime, answered, unanswered } from './answered-time.js';
import type { Goal } from './goal.js';
import { beginTracks, findFailure, progressScore, type Tracks } from './signs.js';
import type { AfterFailure, Failure, Verdict } from './verdict.js';

/** How patient a rollout is, and what it does when it fails. */
export interface RolloutPolicy {
  /** No progress for this long (counted time only): failed. */
  readonly deadlineMs: number;
  readonly onFailure: 'rollback' | 'hold';
}

/** Everything a rollout remembers; plain data, so that whoever takes over continues from it. */
export interface RolloutState {
  readonly phase: 'applying' | 'restoring' | 'removing' | 'ended';
  readonly goal: Goal;
  /** What ran well here before; absent at the first deployment. */
  readonly lastGood?: Goal;
  /** True where that stands in another place, which this rollout never touches. */
  readonly elsewhere?: boolean;
  readonly policy: RolloutPolicy;
  readonly time: AnsweredTime;
  /** Counted time at the last progress. */
  readonly progressAt: number;
  readonly score: number;
  readonly tracks: Tracks;
  readonly failure?: Failure;
  /** What the runner read from the target at the moment of failure. */
  readonly evidence?: readonly InstanceEvidence[];
  readonly verdict?: Verdict;
}

/** What the runner saw since the last decision. `at` is its monotonic clock in milliseconds. */
export type Seen =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'applied'; readonly at: number; readonly applied: Applied }
  /** Target, registry or database did not answer; which of them, where it is known. */
  | { readonly kind: 'unavailable'; readonly reason: string; readonly part?: string }
  /** Stop-the-line or a pause forbids the next step. */
  | { readonly kind: 'held'; readonly reason: string }
  /** A person, or a withdrawn release, ends it: it is taken back, or stays as it is. */
  | { readonly kind: 'abort'; readonly at: number; readonly reason: string; readonly after: 'rollback' | 'hold' }
  /** The image to go back to cannot be had any more. */
  | { readonly kind: 'cannot-restore'; readonly reason: string }
  | { readonly kind: 'removed'; readonly at: number };

/** What to do next. `apply` means: converge on `to`, after asking whether a step is allowed, in `afterMs`. */
export type Action =
  | { readonly do: 'apply'; readonly to: 'goal' | 'last-good'; readonly afterMs: number }
  | { readonly do: 'wait'; readonly afterMs: number; readonly reason: string }
  | { readonly do: 'remove'; readonly afterMs: number }
  | { readonly do: 'end'; readonly verdict: Verdict };

export interface Decision {
  readonly state: RolloutState;
  readonly action: Action;
}

const awayMs = 1000;
const heldMs = 1000;
const firstLookMs = 50;

/** A rollout that has not looked at anything yet. */
export function beginRollout(goal: Goal, policy: RolloutPolicy, lastGood?: Goal, elsewhere = false): RolloutState {
  const state = { phase: 'applying', goal, policy, time: { totalMs: 0 }, progressAt: 0, score: -1, tracks: beginTracks() } as const;
  return lastGood === undefined ? state : { ...state, lastGood, ...(elsewhere && { elsewhere }) };
}

/**
 * A rollout taken up again. Where it goes is said anew by whoever takes it up, for a count set by a person meanwhile may have changed it; how far it
 * came is remembered, and whether what ran before was met where it goes. `begun` is the same rollout as it would begin now.
 */
export function resumeRollout(
  { lastGood: before, elsewhere, ...kept }: RolloutState,
  { goal, policy, lastGood }: RolloutState,
): RolloutState {
  const resumed = { ...kept, goal, policy };
  // Another one to go back to stands nowhere: it is brought in like any other.
  const stands = elsewhere && lastGood?.release === before?.release;
  return lastGood === undefined ? resumed : { ...resumed, lastGood, ...(stands && { elsewhere }) };
}

/**
 * The next step of a rollout, from what it remembers and what was just seen. Pure: time comes in with what was seen. After a verdict
 * every answer is that verdict.
 */
export function decide(state: RolloutState, seen: Seen): Decision {
  if (state.verdict !== undefined) return { state, action: { do: 'end', verdict: state.verdict } };
  switch (seen.kind) {
    case 'nothing':
      return { state, action: nextCall(state, 0) };
    case 'unavailable':
      return { state: { ...state, time: unanswered(state.time) }, action: nextCall(state, awayMs) };
    case 'held':
      return { state: { ...state, time: unanswered(state.time) }, action: { do: 'wait', afterMs: heldMs, reason: seen.reason } };
    case 'abort':
      return state.phase === 'applying'
        ? fail({ ...state, time: answered(state.time, seen.at) }, { code: 'aborted', message: seen.reason, instances: [] }, seen.after)
        : { state, action: nextCall(state, 0) };
    case 'cannot-restore':
      return state.phase === 'restoring' ? end(state, notRestored(state, seen.reason)) : { state, action: nextCall(state, 0) };
    case 'removed':
      return state.phase === 'removing'
        ? end({ ...state, time: answered(state.time, seen.at) }, removed(state))
        : { state, action: nextCall(state, 0) };
    case 'applied':
      return onApplied({ ...state, time: answered(state.time, seen.at) }, seen.applied);
  }
}

function nextCall(state: RolloutState, afterMs: number): Action {
  if (state.phase === 'removing') return { do: 'remove', afterMs };
  return { do: 'apply', to: state.phase === 'restoring' ? 'last-good' : 'goal', afterMs };
}

function onApplied(before: RolloutState, applied: Applied): Decision {
  if (before.phase === 'removing') return { state: before, action: nextCall(before, 0) };
  const goal = before.phase === 'restoring' ? (before.lastGood ?? before.goal) : before.goal;
  const score = progressScore(goal, applied);
  const moved = score > before.score;
  const looked = findFailure(goal, before.tracks, applied, before.time.totalMs);
  const state = {
    ...before,
    tracks: looked.tracks,
    score: Math.max(score, before.score),
    progressAt: moved ? before.time.totalMs : before.progressAt,
  };
  if (looked.failure !== undefined) return fail(state, looked.failure);
  if (isDone(goal, applied))
    return before.phase === 'restoring'
      ? end(state, { now: 'restored', release: goal.release, digest: goal.digest })
      : succeed(state, applied);
  if (state.time.totalMs - state.progressAt > patience(state.policy, goal)) return fail(state, noProgress(state, goal, applied));
  return { state, action: nextCall(state, pace(goal, applied)) };
}

/** Our own windows are no lack of progress. */
function patience(policy: RolloutPolicy, goal: Goal): number {
  return policy.deadlineMs + Math.max(goal.drainMs, goal.stableMs);
}

/** Wanted, ready and running are one number, all of the one digest, and each has been healthy for the stable window. */
export function isDone(goal: Goal, applied: Applied): boolean {
  if (applied.progress !== 'converged' || applied.wanted !== goal.instances || applied.ready !== goal.instances) return false;
  const good = applied.instances.filter((instance) => isOf(goal, instance) && instance.healthy && instance.inService);
  return (
    good.length === goal.instances &&
    applied.instances.length === goal.instances &&
    good.every((instance) => instance.healthyForMs >= goal.stableMs)
  );
}

function isOf(goal: Goal, instance: Instance): boolean {
  return instance.digest === goal.digest;
}

/** Looks often until an instance was healthy once, until it serves and whenever a window is about to end, then as often as the project asks. */
function pace(goal: Goal, applied: Applied): number {
  const own = applied.instances.filter((instance) => isOf(goal, instance));
  if (own.length === 0 || applied.progress === 'refused') return firstLookMs;
  const starting = own.filter((instance) => !instance.healthy);
  if (starting.length > 0) {
    const youngest = Math.min(...starting.map((instance) => instance.runningForMs));
    return Math.min(goal.everyMs, Math.max(firstLookMs, Math.floor(youngest / 10)));
  }
  if (own.some((instance) => !instance.inService)) return 2 * firstLookMs;
  const left = own.map((instance) => goal.stableMs - instance.healthyForMs).filter((rest) => rest > 0);
  return left.length === 0 ? 2 * firstLookMs : Math.max(firstLookMs, Math.min(goal.everyMs, ...left));
}

function noProgress(state: RolloutState, goal: Goal, applied: Applied): Failure {
  const seconds = Math.round(state.policy.deadlineMs / 1000);
  const waiting = applied.progress === 'moving' ? `; last waited for: ${applied.waitingFor}` : '';
  const lagging = applied.instances.filter((instance) => isOf(goal, instance) && !(instance.healthy && instance.inService));
  return {
    code: 'no-progress',
    message: `no progress for ${seconds} s: ${applied.ready} of ${goal.instances} ready${waiting}`,
    instances: lagging.map((one) => one.name),
  };
}

/** A failing rollback stops and says so; it never begins another one. */
function fail(state: RolloutState, failure: Failure, then = state.policy.onFailure): Decision {
  if (state.phase === 'restoring') return end(state, notRestored(state, failure.message));
  const failed = { ...state, failure };
  if (then === 'hold') return end(failed, { now: 'held', reason: 'on-failure: hold' });
  const fresh = { ...failed, progressAt: state.time.totalMs, score: -1, tracks: beginTracks() };
  const next: RolloutState = { ...fresh, phase: state.lastGood === undefined || state.elsewhere ? 'removing' : 'restoring' };
  return { state: next, action: nextCall(next, 0) };
}

/** Where what ran well before stands elsewhere, it was never touched: with the new one gone the environment is what it was. */
function removed({ lastGood, elsewhere }: RolloutState): AfterFailure {
  return lastGood && elsewhere ? { now: 'restored', release: lastGood.release, digest: lastGood.digest } : { now: 'removed' };
}

function notRestored(state: RolloutState, reason: string): AfterFailure {
  return { now: 'not-restored', release: state.lastGood?.release ?? '', reason };
}

function succeed(state: RolloutState, applied: Applied): Decision {
  const { release, digest, instances } = state.goal;
  const address = applied.address === undefined ? {} : { address: applied.address };
  return close(state, {
    outcome: 'succeeded',
    release,
    digest,
    instances,
    ...address,
    version: applied.version,
    tookMs: state.time.totalMs,
  });
}

function end(state: RolloutState, after: AfterFailure): Decision {
  const failure = state.failure ?? { code: 'aborted', message: 'ended before it began', instances: [] };
  return close(state, {
    outcome: 'failed',
    release: state.goal.release,
    digest: state.goal.digest,
    failure,
    after,
    tookMs: state.time.totalMs,
  });
}

function close(state: RolloutState, verdict: Verdict): Decision {
  return { state: { ...state, phase: 'ended', verdict }, action: { do: 'end', verdict } };
}
