import { describe, expect, it } from 'vitest';
import { breachesOf, type Known } from './judge-target.js';
import { type Call, type Change, TargetState } from './stand-ins/target-state.js';

const environment = { project: 'shop', environment: 'production' };
const known: Known[] = [1, 2].map((number) => {
  return { release: `r${number}`, number, line: 'refs/heads/main', digest: `d${number}`, grantedAt: 0 };
});

function put(number: number, more: Partial<Extract<Call, { do: 'apply' }>> = {}): Call {
  return { do: 'apply', environment, release: `r${number}`, attempt: number, digest: `d${number}`, instances: 1, epoch: 1, ...more };
}

/** What the stand-in target wrote down of these calls. */
function historyOf(calls: readonly Call[]): Change[] {
  const changes: Change[] = [];
  const state = new TargetState((change) => changes.push(change));
  for (const call of calls) state.take(call);
  return changes;
}

describe('the stand-in target', () => {
  it('takes a deployment, says what runs, and changes nothing that is as it should be', () => {
    const changes: Change[] = [];
    const state = new TargetState((change) => changes.push(change));
    expect(state.take(put(1))).toMatchObject({ changed: true, answer: { progress: 'converged', digest: 'd1', ready: 1, wanted: 1 } });
    expect(state.take(put(1))).toMatchObject({ changed: false });
    expect(state.take({ do: 'observe', environment })).toMatchObject({ answer: { exists: true, release: 'r1' } });
    expect(state.take({ do: 'remove', environment, epoch: 2 })).toMatchObject({ changed: true });
    expect(state.take({ do: 'observe', environment })).toMatchObject({ answer: { exists: false, instances: [] } });
    expect(changes.map((change) => change.do)).toEqual(['apply', 'remove']);
  });
});

describe('the judge of what the target changed', () => {
  it('finds nothing where each release came once and forward', () => {
    expect(breachesOf(historyOf([put(1), put(1), put(2)]), known)).toEqual({ changes: 2, breaches: [] });
  });

  it.each([
    ['an effect twice', [put(1), put(2, { release: 'r2' }), put(1)], 'promise 3'],
    ['one that goes back', [put(2), put(1)], 'promise 4'],
    ['another digest than was built', [put(1, { digest: 'other' })], 'promise 5'],
    ['an older epoch', [put(1, { epoch: 3 }), put(2), put(1, { epoch: 2 })], 'promise 9'],
    ['a release nobody knows', [put(3)], 'promise 1'],
  ])('finds %s', (_, calls, promise) => {
    expect(breachesOf(historyOf(calls), known).breaches.join()).toContain(promise);
  });

  it.each([
    ['never', null],
    ['too late', Date.now() + 60_000],
  ])('finds what came into production and was let in %s', (_, grantedAt) => {
    const [one] = known as [Known];
    expect(breachesOf(historyOf([put(1)]), [{ ...one, grantedAt }]).breaches.join()).toContain('promise 2');
    const test = { ...environment, environment: 'test' };
    expect(breachesOf(historyOf([put(1, { environment: test })]), [{ ...one, grantedAt }]).breaches).toEqual([]);
  });
});
