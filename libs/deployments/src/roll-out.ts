import { setTimeout as delay } from 'node:timers/promises';
import {
  type ActContext,
  type Deployment,
  type Observed,
  type Orchestrator,
  type Progress,
  TargetUnavailable,
} from '@slipway/orchestrators';
import { unanswered } from './answered-time.js';
import { goalOf } from './goal.js';
import { type Action, beginRollout, decide, type RolloutPolicy, type RolloutState, resumeRollout, type Seen } from './rollout.js';
import type { VerdictWithEvidence } from './verdict.js';

/** What the runner needs of the operation it works for; a `Claim` of libs/operations is one. */
export interface RolloutClaim {
  /** Aborted on lost lease, cancel, shutdown or time limit. */
  readonly signal: AbortSignal;
  /** Makes a call that changes something on the target, of at most that many milliseconds; throws the abort reason. */
  act<T>(ms: number, call: (acting: { readonly signal: AbortSignal; readonly epoch: number }) => Promise<T>): Promise<T>;
}

/** Whether the next step may be taken. Asked before every step: stop-the-line, pause, voided grant, withdrawn release. */
export type StepAnswer =
  | { readonly go: true }
  /** `abort` ends the rollout as failed: it is taken back, or stays as it is. */
  | { readonly go: false; readonly reason: string; readonly abort?: 'rollback' | 'hold' };

/** Where what ran well before stands. `elsewhere`: nothing of it is where the goal goes, so that this rollout never touches it. Believed at the first run only. */
export interface LastGoodAt {
  readonly orchestrator: Orchestrator;
  readonly elsewhere: boolean;
}

/** One rollout, as `run-rollout.ts` and `run-deployment.ts` start it. */
export interface RolloutOrder {
  readonly orchestrator: Orchestrator;
  readonly claim: RolloutClaim;
  readonly goal: Deployment;
  /** What to go back to when it fails; absent: what was new is removed. */
  readonly lastGood?: Deployment;
  /** Where that stands, when its target's file said another place than the goal's; absent: on the same. */
  readonly lastGoodAt?: LastGoodAt;
  readonly policy: RolloutPolicy;
  /** As `save` last got it; absent at the first run. What the target runs is looked at anew all the same. */
  readonly state?: RolloutState;
  /** The longest a single call to the target may take. Default 6 s. */
  readonly callTimeoutMs?: number;
  mayStep?(phase: 'applying' | 'restoring' | 'removing'): Promise<StepAnswer>;
  /** Keeps the state, fenced, in the caller's row. Called when it changed in a way that matters, not at every look. */
  save?(state: RolloutState): Promise<void>;
  onProgress?(progress: Progress): void;
  /** What was seen at each look, for live progress. */
  onObserved?(observed: Observed): void;
}

/** Ended with a verdict, or to be taken up again later: `afterMs`, `reason` and the part that is `away` are for the `again` of libs/operations. */
export type RolloutRun =
  | { readonly ended: true; readonly verdict: VerdictWithEvidence; readonly state: RolloutState }
  | ({ readonly ended: false; readonly state: RolloutState } & Leave);

/** Why a run ends without a verdict; `away` where a part does not answer, and has not for so long. */
interface Leave {
  readonly afterMs: number;
  readonly reason: string;
  readonly away?: { readonly part: string; readonly forMs: number };
}

const defaultCallTimeoutMs = 6000;
/** Waiting longer than this gives the operation back instead of keeping a worker busy. */
const longestIdleMs = 15_000;

/**
 * Takes a rollout to its verdict, or as far as this claim allows. Safe to call again after a crash at any point, with the last saved
 * state or none: it looks first and adopts what it finds. Throws what `save` and `mayStep` throw, and programming errors;
 * a target that is away is waited for, and that time counts against nobody.
 */
export async function rollOut(order: RolloutOrder): Promise<RolloutRun> {
  const begun = beginRollout(goalOf(order.goal), order.policy, order.lastGood && goalOf(order.lastGood), order.lastGoodAt?.elsewhere);
  let state = order.state ? resumeRollout(order.state, begun) : begun;
  let seen: Seen = { kind: 'nothing' };
  let idleSince = performance.now();
  for (;;) {
    const before = state;
    const decision = decide(state, seen);
    state = await withEvidence(order, before, decision.state);
    if (matters(before, state)) await order.save?.(withoutClock(state));
    const { action } = decision;
    if (action.do === 'end')
      return { ended: true, verdict: { ...action.verdict, evidence: state.evidence ?? [] }, state: withoutClock(state) };
    if (seen.kind === 'applied') idleSince = performance.now();
    const leave = reasonToLeave(order, seen, performance.now() - idleSince);
    if (leave !== undefined) return { ended: false, ...leave, state: withoutClock(state) };
    await pause(action.afterMs, order.claim.signal);
    if (order.claim.signal.aborted) return { ended: false, afterMs: 0, reason: 'handed over', state: withoutClock(state) };
    seen = await act(order, state, action);
  }
}

/** What is known of the failed instances has to be read before anything takes them away. */
async function withEvidence(order: RolloutOrder, before: RolloutState, state: RolloutState): Promise<RolloutState> {
  if (state.failure === undefined || before.failure !== undefined) return state;
  try {
    const { instances } = state.failure;
    return { ...state, evidence: await order.orchestrator.evidence(order.goal.environment, instances.length > 0 ? instances : undefined) };
  } catch (error) {
    if (error instanceof TargetUnavailable) return { ...state, evidence: [] };
    throw error;
  }
}

async function act(order: RolloutOrder, state: RolloutState, action: Exclude<Action, { do: 'end' }>): Promise<Seen> {
  const phase = state.phase === 'ended' ? 'applying' : state.phase;
  const step = (await order.mayStep?.(phase)) ?? { go: true };
  if (!step.go) {
    if (step.abort && phase === 'applying') return { kind: 'abort', at: performance.now(), reason: step.reason, after: step.abort };
    if (phase === 'applying') return { kind: 'held', reason: step.reason };
  }
  let limit = order.claim.signal;
  try {
    if (state.phase === 'applying' && action.do === 'apply' && state.score < 0)
      await order.orchestrator.available(order.goal.image, order.claim.signal);
    if (action.do === 'wait') {
      limit = AbortSignal.any([order.claim.signal, AbortSignal.timeout(callTimeout(order))]);
      return await look(order, limit);
    }
    return await order.claim.act(callTimeout(order), (acting) => {
      limit = acting.signal;
      return change(order, action, acting);
    });
  } catch (error) {
    if (error instanceof TargetUnavailable) {
      return { kind: 'unavailable', part: error.part, reason: `${error.part}: ${error.message}` };
    }
    if (order.claim.signal.aborted) return { kind: 'unavailable', reason: 'handed over' };
    if (limit.aborted) return { kind: 'unavailable', part: 'target', reason: `the target took longer than ${callTimeout(order) / 1000} s` };
    throw error;
  }
}

async function look({ orchestrator, goal, onObserved }: RolloutOrder, signal: AbortSignal): Promise<Seen> {
  onObserved?.(await orchestrator.observe(goal.environment, signal));
  return { kind: 'nothing' };
}

async function change(order: RolloutOrder, action: Exclude<Action, { do: 'end' | 'wait' }>, acting: ActContext): Promise<Seen> {
  const { goal, lastGood, claim } = order;
  const isBack = action.do === 'apply' && action.to === 'last-good';
  const orchestrator = isBack ? (order.lastGoodAt ?? order).orchestrator : order.orchestrator;
  const context = { ...acting, ...(order.onProgress && { onProgress: order.onProgress }) };
  switch (action.do) {
    case 'remove':
      return (await orchestrator.remove(goal.environment, context))
        ? { kind: 'removed', at: performance.now() }
        : { kind: 'unavailable', reason: 'removal goes on' };
    case 'apply': {
      if (isBack) {
        if (lastGood === undefined) return { kind: 'cannot-restore', reason: 'the deployment to go back to was not given' };
        const has = await orchestrator.available(lastGood.image, claim.signal);
        if (!has.ok) return { kind: 'cannot-restore', reason: has.refusal.reason };
      }
      const applied = await orchestrator.apply(isBack && lastGood ? lastGood : goal, context);
      order.onObserved?.(applied);
      return { kind: 'applied', at: performance.now(), applied };
    }
  }
}

function callTimeout(order: RolloutOrder): number {
  return order.callTimeoutMs ?? defaultCallTimeoutMs;
}

/** A pause by a person, or a part that is away, may last for hours: the operation goes back instead of keeping a worker busy. */
function reasonToLeave(order: RolloutOrder, seen: Seen, idleMs: number): Leave | undefined {
  if (order.claim.signal.aborted) return { afterMs: 0, reason: 'handed over' };
  if ((seen.kind !== 'held' && seen.kind !== 'unavailable') || idleMs <= longestIdleMs) return undefined;
  const part = seen.kind === 'unavailable' ? seen.part : undefined;
  return { afterMs: 2000, reason: seen.reason, ...(part !== undefined && { away: { part, forMs: idleMs } }) };
}

/** Whether a row has to be written: time that passes is not worth one, except now and then. */
function matters(before: RolloutState, after: RolloutState): boolean {
  if (before === after) return false;
  const grew = Math.floor(after.time.totalMs / 5000) > Math.floor(before.time.totalMs / 5000);
  return (
    grew ||
    before.phase !== after.phase ||
    before.score !== after.score ||
    before.failure !== after.failure ||
    before.verdict !== after.verdict
  );
}

/** A monotonic clock means nothing to the next process. */
function withoutClock(state: RolloutState): RolloutState {
  return { ...state, time: unanswered(state.time) };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}
