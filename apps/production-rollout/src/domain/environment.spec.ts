import { aDigest, anId, aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { isBehind } from './ahead.js';
import {
  type EnvironmentState,
  emptyEnvironment,
  goBackTo,
  lastGoodOf,
  type Past,
  type Rollout,
  standingOf,
  turnOf,
  unchangedSince,
} from './environment.js';
import { barredAfter, emptied, restored, settled } from './outcome.js';

const none: ReadonlySet<string> = new Set();

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 5, minute)).toISOString();

function aRollout(number: number, over: Partial<Rollout> = {}): Rollout {
  const release = aRelease({ number });
  const image = { repository: 'localhost:5000/shop', digest: aDigest(String(number)) };
  const grant = {
    id: anId(),
    request: anId(),
    asks: 'a'.repeat(64),
    issuedAt: at(number),
    envelope,
    provenance: envelope,
    verdict: envelope,
    heardAt: at(number),
  };
  const deployment = { release: { id: release.id, number }, image, app: { instances: 2 } } as unknown as Rollout['deployment'];
  const common = {
    kind: 'rollout',
    project: 'shop',
    environment: 'production',
    state: 'waiting',
    attempt: 1,
    asked: null,
    authors: [],
    startedAt: null,
  } as const;
  return { id: anId(), ...common, release, deployment, grant, createdAt: at(number), ...over };
}
const envelope = { payloadType: 't', payload: '', signatures: [{ keyid: 'k', sig: 's' }] };

function after(...rollouts: Rollout[]): EnvironmentState {
  return rollouts.reduce(
    (environment, rollout, minute) => settled(environment, rollout, at(minute)),
    emptyEnvironment('shop', 'production'),
  );
}

describe('whose turn it is', () => {
  it('is nobody’s while a rollout is under way', () => {
    expect(turnOf(after(), [aRollout(1)], true, none).start).toBeUndefined();
  });

  it('is the newest one’s, and the others are superseded', () => {
    const [one, two] = [aRollout(1), aRollout(2)];
    const turn = turnOf(after(), [two, one], false, none);
    expect(turn.start).toBe(two);
    expect(turn.end).toMatchObject([{ rollout: { id: one.id }, reason: { code: 'superseded' }, supersededBy: 2 }]);
  });

  it('is the later grant’s where one release was signed off twice, whichever was heard first', () => {
    const anew = aRollout(1);
    const late = { ...aRollout(1, { createdAt: at(5) }), release: anew.release, grant: { ...anew.grant, id: anId(), issuedAt: at(0) } };
    const turn = turnOf(after(), [anew, late], false, none);
    expect(turn.start?.id).toBe(anew.id);
    expect(turn.end).toMatchObject([{ rollout: { id: late.id }, reason: { code: 'asked-anew' }, supersededBy: null }]);
  });

  it('is a rollback’s before all', () => {
    const back = aRollout(1, { kind: 'rollback' });
    expect(turnOf(after(aRollout(1), aRollout(2)), [aRollout(3), back], false, none).start).toBe(back);
  });

  it('is the last rollback’s, and the ones asked for before it end', () => {
    const [one, two] = [aRollout(1, { kind: 'rollback' }), aRollout(2, { kind: 'rollback' })];
    const turn = turnOf(after(aRollout(1), aRollout(2), aRollout(3)), [two, one], false, none);
    expect(turn.start).toBe(one);
    expect(turn.end).toMatchObject([{ rollout: { id: two.id }, reason: { code: 'superseded' } }]);
  });

  it('is never a withdrawn release’s, not even to go back', () => {
    const back = aRollout(1, { kind: 'rollback' });
    const next = aRollout(3);
    const turn = turnOf(after(aRollout(2)), [back, next], false, new Set([back.release.id, next.release.id]));
    expect(turn.start).toBeUndefined();
    expect(turn.end.map(({ reason }) => reason.code)).toEqual(['withdrawn', 'withdrawn']);
  });

  it('never goes backwards by itself', () => {
    expect(turnOf(after(aRollout(5)), [aRollout(4)], false, none)).toMatchObject({
      start: undefined,
      end: [{ reason: { code: 'older' } }],
    });
  });

  it('lets a barred release in only when it was signed off anew', () => {
    const environment = barredAfter(after(aRollout(1)), 2, at(10));
    expect(turnOf(environment, [aRollout(2)], false, none).end).toMatchObject([{ reason: { code: 'barred' } }]);
    const anew = aRollout(2);
    expect(turnOf(environment, [{ ...anew, grant: { ...anew.grant, issuedAt: at(11) } }], false, none).start?.release.number).toBe(2);
  });
});

describe('going back', () => {
  it('goes to the last good release that is not the one running', () => {
    expect(goBackTo(after(aRollout(1), aRollout(4)), null, new Set())?.release.number).toBe(1);
  });

  it('has nowhere to go where only one was ever good', () => {
    expect(goBackTo(after(aRollout(1)), null, new Set())).toBeUndefined();
  });

  it('never chooses what was withdrawn or rolled back from', () => {
    const [one, two, three] = [aRollout(1), aRollout(2), aRollout(3)];
    expect(goBackTo(after(one, two, three), null, new Set([two.release.id]))?.release.number).toBe(1);
    expect(goBackTo(barredAfter(after(one, two, three), 2, at(9)), null, new Set())?.release.number).toBe(1);
  });

  it('goes to the number asked for, when it was good here', () => {
    expect(goBackTo(after(aRollout(1), aRollout(2), aRollout(3)), 1, new Set())?.release.number).toBe(1);
    expect(goBackTo(after(aRollout(1), aRollout(3)), 2, new Set())).toBeUndefined();
  });

  it('goes to what was good before a rollout that is under way, or that failed and was left standing', () => {
    const environment = after(aRollout(1), aRollout(2));
    expect(goBackTo(environment, null, none, true)?.release.number).toBe(2);
    expect(goBackTo({ ...environment, heldBy: anId() }, null, none)?.release.number).toBe(2);
    expect(goBackTo({ ...environment, heldBy: anId() }, 2, none)?.release.number).toBe(2);
  });

  it('stays small however much was good there: what ran long ago is known by its rollout', () => {
    const rollouts = Array.from({ length: 60 }, (_, at) => aRollout(at + 1));
    const { history } = after(...rollouts);
    expect(history).toHaveLength(50);
    expect(history.at(2)).toEqual({ rollout: rollouts[57]?.id, release: rollouts[57]?.release, since: expect.any(String) });
    expect(history.slice(2).every((past) => !('grant' in past))).toBe(true);
  });

  it('after a failure never goes to what was withdrawn meanwhile', () => {
    const [one, two] = [aRollout(1), aRollout(2)];
    const environment = after(one, two);
    expect(lastGoodOf(environment, none)?.release.number).toBe(2);
    const back = lastGoodOf(environment, new Set([two.release.id]));
    expect(back?.release.number).toBe(1);
    const whole = standingOf(back as Past, one);
    expect(restored(environment, whole, at(9)).running).toEqual({ ...whole, since: at(9) });
    expect(lastGoodOf(environment, new Set([one.release.id, two.release.id]))).toBeUndefined();
    expect(lastGoodOf(emptyEnvironment('shop', 'production'), none)).toBeUndefined();
  });

  it('tells since when what stands has stood, or nothing has', () => {
    const environment = after(aRollout(1), aRollout(2));
    expect(unchangedSince(emptyEnvironment('shop', 'production'))).toBeNull();
    expect(unchangedSince(environment)).toBe(environment.running?.since);
    expect(unchangedSince(emptied(environment, at(9)))).toBe(at(9));
    expect(unchangedSince(settled(emptied(environment, at(9)), aRollout(3), at(10)))).toBe(at(10));
  });

  it('goes to what is known where a rollout that is not known here brought what runs, and only when people ask', () => {
    const environment = { ...after(aRollout(1), aRollout(2)), attempts: 2, ahead: 3 };
    expect(goBackTo(environment, null, none)?.release.number).toBe(2);
    expect(lastGoodOf(environment, none)).toBeUndefined();
    const known = settled(environment, aRollout(4, { attempt: 4 }), at(9));
    expect(lastGoodOf(known, none)?.release.number).toBe(4);
    expect(goBackTo(known, null, none)?.release.number).toBe(2);
    expect(isBehind({ ...known, running: settled(known, aRollout(1), at(9)).running })).toBe(false);
  });

  it('bars what it left, and lifts the bar of what it brought back', () => {
    const [one, four] = [aRollout(1), aRollout(4)];
    const back = settled(after(one, four), { ...one, kind: 'rollback' }, at(20));
    expect(back.running?.release.number).toBe(1);
    expect(back.barred).toEqual([{ number: 4, at: at(20) }]);
  });
});
