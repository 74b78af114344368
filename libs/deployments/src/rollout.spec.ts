import { describe, expect, it } from 'vitest';
import { beginRollout, type Decision, decide, type RolloutState, resumeRollout, type Seen } from './rollout.js';
import { anInstance, both, goal, good, lastGood, old, seenAs } from './rollout-examples.js';

const policy = { deadlineMs: 60_000, onFailure: 'rollback' } as const;
const sick = {
  healthy: false,
  healthyForMs: 0,
  inService: false,
  failures: 5,
  state: 'starting',
  probe: { ok: false, status: 500, tookMs: 3 },
} as const;

/** Feeds what is seen, each a second after the one before. */
function fold(begin: RolloutState, all: readonly Seen[]): Decision {
  let decision = decide(begin, { kind: 'nothing' });
  all.forEach((seen, index) => {
    const at = (index + 1) * 1000;
    decision = decide(decision.state, seen.kind === 'applied' || seen.kind === 'abort' || seen.kind === 'removed' ? { ...seen, at } : seen);
  });
  return decision;
}

describe('a rollout', () => {
  it('begins by applying what is wanted', () => {
    expect(decide(beginRollout(goal, policy, lastGood), { kind: 'nothing' }).action).toEqual({ do: 'apply', to: 'goal', afterMs: 0 });
  });

  it('succeeds when every instance runs the digest, serves and was healthy for the stable window', () => {
    const { action } = fold(beginRollout(goal, policy, lastGood), [seenAs(both)]);
    expect(action).toMatchObject({ do: 'end', verdict: { outcome: 'succeeded', release: 'new', digest: good, instances: 2 } });
  });

  it('goes to the count a person has set meanwhile when it is taken up again', () => {
    const three = [...both, anInstance({ name: 'three', id: 'id-three' })];
    const begun = beginRollout({ ...goal, instances: 3 }, policy, { ...lastGood, instances: 3 });
    const resumed = resumeRollout(fold(beginRollout(goal, policy, lastGood), [seenAs(both.slice(0, 1))]).state, begun);
    expect(fold(resumed, [seenAs(three, { wanted: 3 })]).action).toMatchObject({
      do: 'end',
      verdict: { outcome: 'succeeded', instances: 3 },
    });
    expect(resumed.lastGood?.instances).toBe(3);
    expect(resumeRollout(resumed, beginRollout(goal, policy))).not.toHaveProperty('lastGood');
  });

  it('stays as it is when it is ended with nothing to go back to and must not be removed', () => {
    const ended = fold(beginRollout(goal, policy), [{ kind: 'abort', at: 0, reason: 'withdrawn', after: 'hold' }]).action;
    expect(ended).toMatchObject({ do: 'end', verdict: { outcome: 'failed', after: { now: 'held' } } });
  });

  it('waits for the rest of the stable window', () => {
    const fresh = both.map((one) => ({ ...one, healthyForMs: 800 }));
    expect(fold(beginRollout(goal, policy), [seenAs(fresh)]).action).toEqual({ do: 'apply', to: 'goal', afterMs: 200 });
  });

  it('looks soon again where one is well and does not serve yet', () => {
    const joining = both.map((one) => ({ ...one, healthyForMs: 0, inService: false }));
    expect(fold(beginRollout(goal, policy), [seenAs(joining, { progress: 'moving' })]).action).toEqual({
      do: 'apply',
      to: 'goal',
      afterMs: 100,
    });
  });

  it('looks every 50 ms at first and ever less often while an instance is not healthy', () => {
    const at = (runningForMs: number) =>
      fold(beginRollout(goal, policy), [seenAs([anInstance({ ...sick, failures: 1, runningForMs })], { progress: 'moving' })]).action;
    expect([at(0), at(2000), at(60_000)].map((action) => action.do === 'apply' && action.afterMs)).toEqual([50, 200, 500]);
  });

  it('fails an instance that does not get healthy within its grace, and goes back', () => {
    const seen = Array.from({ length: 8 }, () => seenAs([anInstance(sick)], { progress: 'moving' }));
    const decision = fold(beginRollout(goal, policy, lastGood), seen);
    expect(decision.state.failure).toMatchObject({
      code: 'never-healthy',
      instances: ['one'],
      message: expect.stringContaining('HTTP 500'),
    });
    expect(decision.action).toEqual({ do: 'apply', to: 'last-good', afterMs: expect.any(Number) });
    const restored = decide(
      decision.state,
      seenAs([anInstance({ digest: old }), anInstance({ digest: old, name: 'two' })], { at: 20_000 }),
    );
    expect(restored.action).toMatchObject({ do: 'end', verdict: { outcome: 'failed', after: { now: 'restored', release: 'before' } } });
  });

  it('forgives failed probes within the grace', () => {
    const seen = Array.from({ length: 4 }, () => seenAs([anInstance(sick)], { progress: 'moving' }));
    expect(fold(beginRollout(goal, policy, lastGood), seen).state.failure).toBeUndefined();
  });

  it('catches one that passes its health check and then crashes again and again', () => {
    const crashing = (restarts: number) =>
      seenAs([anInstance({ ...sick, failures: 1, restarts, state: 'waiting', exitCode: 137, outOfMemory: true })], { progress: 'moving' });
    const decision = fold(beginRollout(goal, policy, lastGood), [
      seenAs([anInstance({ healthyForMs: 100 })], { progress: 'moving' }),
      crashing(1),
      crashing(2),
      crashing(3),
    ]);
    expect(decision.state.failure).toMatchObject({ code: 'crashed', message: expect.stringContaining('out of memory') });
  });

  it('removes what is new when there is nothing to go back to', () => {
    const failed = fold(beginRollout(goal, policy), [
      seenAs([anInstance({ ...sick, restarts: 9 })], { progress: 'moving' }),
      ...Array.from({ length: 7 }, () => seenAs([anInstance({ ...sick, restarts: 9 })], { progress: 'moving' })),
    ]);
    expect(failed.action).toMatchObject({ do: 'remove' });
    expect(decide(failed.state, { kind: 'removed', at: 9000 }).action).toMatchObject({ do: 'end', verdict: { after: { now: 'removed' } } });
  });

  it('takes away only what is new where what ran well before stands elsewhere, also after a crash', () => {
    const sickening = Array.from({ length: 8 }, () => seenAs([anInstance(sick)], { progress: 'moving' }));
    const failed = fold(beginRollout(goal, policy, lastGood, true), sickening);
    expect(failed.action).toMatchObject({ do: 'remove' });
    // Whoever takes it up finds instances at the new place by then, and they are its own.
    const resumed = resumeRollout(failed.state, beginRollout(goal, policy, lastGood, false));
    expect(decide(resumed, { kind: 'removed', at: 9000 }).action).toMatchObject({
      do: 'end',
      verdict: { outcome: 'failed', after: { now: 'restored', release: 'before', digest: old } },
    });
    const withdrawn = resumeRollout(failed.state, beginRollout(goal, policy, { ...lastGood, release: 'the one before it' }));
    expect(withdrawn.elsewhere).toBeUndefined();
  });

  it('holds when that is the policy, but goes back all the same when a person aborts', () => {
    const hold = beginRollout(goal, { ...policy, onFailure: 'hold' }, lastGood);
    const failed = fold(
      hold,
      Array.from({ length: 8 }, () => seenAs([anInstance(sick)], { progress: 'moving' })),
    );
    expect(failed.action).toMatchObject({ do: 'end', verdict: { after: { now: 'held' } } });
    expect(fold(hold, [{ kind: 'abort', at: 0, reason: 'withdrawn', after: 'rollback' }]).action).toMatchObject({
      do: 'apply',
      to: 'last-good',
    });
  });

  it('stops a failing rollback and says so, and never begins another', () => {
    const failed = fold(
      beginRollout(goal, policy, lastGood),
      Array.from({ length: 8 }, () => seenAs([anInstance(sick)], { progress: 'moving' })),
    );
    let decision = failed;
    for (let at = 20_000; decision.action.do !== 'end'; at += 1000)
      decision = decide(decision.state, seenAs([anInstance({ ...sick, digest: old })], { progress: 'moving', at }));
    expect(decision.action).toMatchObject({
      verdict: { outcome: 'failed', failure: { code: 'never-healthy' }, after: { now: 'not-restored', release: 'before' } },
    });
  });

  it('touches nothing when the image to go back to is gone', () => {
    const failed = fold(
      beginRollout(goal, policy, lastGood),
      Array.from({ length: 8 }, () => seenAs([anInstance(sick)], { progress: 'moving' })),
    );
    expect(decide(failed.state, { kind: 'cannot-restore', reason: 'manifest unknown' }).action).toMatchObject({
      do: 'end',
      verdict: { after: { now: 'not-restored', reason: 'manifest unknown' } },
    });
  });

  it('fails after its deadline without progress, and counts only time that was answered', () => {
    const stuck = (count: number) =>
      Array.from({ length: count }, () => seenAs([anInstance({ ...sick, failures: 0 })], { progress: 'moving' }));
    expect(fold(beginRollout(goal, policy), stuck(61)).state.failure).toBeUndefined();
    expect(fold(beginRollout(goal, policy), stuck(64)).state.failure).toMatchObject({
      code: 'no-progress',
      message: expect.stringContaining('60 s'),
    });
    const away = stuck(200).flatMap((seen): Seen[] => [seen, { kind: 'unavailable', reason: 'registry' }]);
    expect(fold(beginRollout(goal, policy), away).state.failure).toBeUndefined();
  });

  it('fails what the target refuses for good', () => {
    const refused: Seen = {
      kind: 'applied',
      at: 0,
      applied: {
        environment: { project: 'p', environment: 'e' },
        exists: false,
        instances: [],
        wanted: 2,
        ready: 0,
        version: '',
        drift: [],
        progress: 'refused',
        refusal: { kind: 'image-not-found', reason: 'manifest unknown' },
      },
    };
    expect(fold(beginRollout(goal, policy, lastGood), [refused]).state.failure).toMatchObject({ code: 'refused-image-not-found' });
  });

  it('does not believe a target that calls another digest done', () => {
    expect(
      fold(beginRollout(goal, policy, lastGood), [seenAs([anInstance(), anInstance({ name: 'two', digest: old })])]).state.failure,
    ).toMatchObject({ code: 'wrong-digest', instances: ['two'] });
  });

  it('waits while it is held', () => {
    expect(fold(beginRollout(goal, policy, lastGood), [{ kind: 'held', reason: 'stop the line' }]).action).toMatchObject({
      do: 'wait',
      reason: 'stop the line',
    });
  });
});
