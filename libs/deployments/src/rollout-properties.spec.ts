import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginRollout, decide, type RolloutState, type Seen } from './rollout.js';
import { anInstance, both, goal, good, lastGood, old, seenAs } from './rollout-examples.js';

const anyInstance = fc.record({
  name: fc.constantFrom('one', 'two', 'three'),
  id: fc.constantFrom('a', 'b'),
  healthy: fc.boolean(),
  inService: fc.boolean(),
  healthyForMs: fc.constantFrom(0, 500, 1500),
  failures: fc.nat(5),
  restarts: fc.nat(4),
  digest: fc.constantFrom(good, old),
});
const anySeen: fc.Arbitrary<Seen> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        instances: fc.uniqueArray(anyInstance, { maxLength: 3, selector: (one) => one.name }),
        progress: fc.constantFrom('converged' as const, 'moving' as const),
        wanted: fc.constantFrom(1, 2),
      })
      .map(({ instances, ...rest }) =>
        seenAs(
          instances.map((one) => anInstance(one)),
          rest,
        ),
      ),
  },
  { weight: 1, arbitrary: fc.constant(seenAs(both)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Seen>(
      { kind: 'unavailable', reason: 'away' },
      { kind: 'held', reason: 'stop' },
      { kind: 'nothing' },
      { kind: 'removed', at: 0 },
      { kind: 'abort', at: 0, reason: 'x', after: 'rollback' },
      { kind: 'abort', at: 0, reason: 'x', after: 'hold' },
      { kind: 'cannot-restore', reason: 'gone' },
    ),
  },
);

describe('any rollout', () => {
  const runs = { numRuns: 2000 };
  const sequences = fc.tuple(fc.array(anySeen, { maxLength: 40 }), fc.constantFrom('rollback' as const, 'hold' as const), fc.boolean());

  it('never succeeds unless wanted, ready and digest are one', () => {
    fc.assert(
      fc.property(sequences, ([all, onFailure, withLast]) => {
        let state = beginRollout(goal, { deadlineMs: 20_000, onFailure }, withLast ? lastGood : undefined);
        for (const [index, seen] of all.entries()) {
          const before = state;
          const decision = decide(state, 'at' in seen ? { ...seen, at: index * 1000 } : seen);
          state = decision.state;
          if (before.verdict !== undefined || state.verdict?.outcome !== 'succeeded') continue;
          expect(before.phase).toBe('applying');
          expect(seen.kind).toBe('applied');
          if (seen.kind !== 'applied') return;
          expect(seen.applied).toMatchObject({ progress: 'converged', wanted: 2, ready: 2 });
          expect(seen.applied.instances.map((one) => one.digest)).toEqual([good, good]);
        }
      }),
      runs,
    );
  });

  it('never acts after its verdict, and its verdict never changes', () => {
    fc.assert(
      fc.property(sequences, ([all, onFailure, withLast]) => {
        let state = beginRollout(goal, { deadlineMs: 20_000, onFailure }, withLast ? lastGood : undefined);
        for (const [index, seen] of all.entries()) {
          const before = state;
          const decision = decide(state, 'at' in seen ? { ...seen, at: index * 1000 } : seen);
          state = decision.state;
          if (before.verdict === undefined) continue;
          expect(decision.action).toEqual({ do: 'end', verdict: before.verdict });
          expect(state).toBe(before);
        }
      }),
      runs,
    );
  });

  it('goes back at most once, never forward again, and fails only with a reason', () => {
    fc.assert(
      fc.property(sequences, ([all, onFailure, withLast]) => {
        let state = beginRollout(goal, { deadlineMs: 20_000, onFailure }, withLast ? lastGood : undefined);
        const phases = [state.phase as string];
        for (const [index, seen] of all.entries()) {
          state = decide(state, 'at' in seen ? { ...seen, at: index * 1000 } : seen).state;
          if (phases.at(-1) !== state.phase) phases.push(state.phase);
        }
        expect([
          'applying',
          'applying ended',
          'applying restoring',
          'applying restoring ended',
          'applying removing',
          'applying removing ended',
        ]).toContain(phases.join(' '));
        if (state.verdict?.outcome === 'failed') expect(state.verdict.failure).toEqual(state.failure);
      }),
      runs,
    );
  });

  it('is the same after its state was written down and read again', () => {
    fc.assert(
      fc.property(sequences, ([all, onFailure, withLast]) => {
        let kept = beginRollout(goal, { deadlineMs: 20_000, onFailure }, withLast ? lastGood : undefined);
        for (const [index, seen] of all.entries()) {
          const here = decide(kept, 'at' in seen ? { ...seen, at: index * 1000 } : seen);
          const there = decide(JSON.parse(JSON.stringify(kept)) as RolloutState, 'at' in seen ? { ...seen, at: index * 1000 } : seen);
          expect(there).toEqual(here);
          kept = here.state;
        }
      }),
      runs,
    );
  });
});
