import { aRelease } from '@slipway/testkit';
import { describe, expect, it } from 'vitest';
import { type EnvironmentState, emptyEnvironment, type Rollout } from './environment.js';
import { begunIn, isUnderWay } from './once.js';

const at = (hour: number) => new Date(Date.UTC(2026, 10, 23, hour)).toISOString();
const empty = emptyEnvironment('shop', 'production');

/** A rollout that waits, of this request, or a rollback that was asked for at this hour. */
function waits(of: { request: string } | { hour: number }, attempt = 0): Rollout {
  const release = aRelease({ number: 1 });
  const common = 'request' in of ? { kind: 'rollout', createdAt: at(0) } : { kind: 'rollback', createdAt: at(of.hour) };
  return { id: 'x', ...common, release, grant: { request: 'request' in of ? of.request : 'r0' }, attempt } as unknown as Rollout;
}

function begun(environment: EnvironmentState, rollout: Rollout, hour = 1): EnvironmentState {
  const next = begunIn(environment, rollout, at(hour + 1), at(hour));
  if (!next) throw new Error('it may not begin');
  return next;
}

describe('a rollout', () => {
  it('begins once by one grant, for as long as that might be good', () => {
    const once = begun(empty, waits({ request: 'r1' }));
    expect(once.attempts).toBe(1);
    expect(begunIn(once, waits({ request: 'r1' }), at(2), at(1))).toBeNull();
    const later = begun(begun(once, waits({ request: 'r2' })), waits({ request: 'r3' }), 5);
    expect(later.begun?.map(({ request }) => request)).toEqual(['r3']);
  });

  it('keeps no more of them than can begin in an hour', () => {
    let environment: EnvironmentState = empty;
    for (let each = 0; each < 300; each++) environment = begun(environment, waits({ request: `r${each}` }));
    expect(environment.begun).toHaveLength(200);
  });

  it('begins once by one command, and by none that was given before one that has begun', () => {
    const back = begun(empty, waits({ hour: 2 }));
    expect(begunIn(back, waits({ hour: 2 }), at(2), at(1))).toBeNull();
    expect(begunIn(back, waits({ hour: 1 }), at(2), at(1))).toBeNull();
    expect(begun(back, waits({ hour: 3 })).rolledBackAt).toBe(at(3));
  });

  it('is under way while its attempt is the last one given out and has not ended', () => {
    expect(isUnderWay({ ...empty, attempts: 3 }, waits({ request: 'r' }, 3))).toBe(true);
    expect(isUnderWay({ ...empty, attempts: 3 }, waits({ request: 'r' }, 2))).toBe(false);
    expect(isUnderWay({ ...empty, attempts: 3, ended: 3 }, waits({ request: 'r' }, 3))).toBe(false);
    expect(isUnderWay({ ...empty, attempts: 3, ended: 2 }, waits({ request: 'r' }, 3))).toBe(true);
  });
});
