import { describe, expect, it } from 'vitest';
import { type Demo, NotSeen } from './demo.ts';
import type { Lap, Load } from './load.ts';
import { allTold, lapOf, noneFailed } from './under-load.ts';

/** A demo whose clients saw this, lap by lap. */
function having(...laps: Lap[]): Demo {
  const left = [...laps];
  const failed = laps.reduce((sum, lap) => sum + lap.failed, 0);
  const count = { answered: 100, failed, failures: [], byPage: {} };
  const load: Load = {
    withKeepAlive: count,
    withoutKeepAlive: { ...count, failed: 0 },
    lap: () => left.shift() as Lap,
    stop: async () => {},
  };
  return { load } as Demo;
}

const good: Lap = { answered: 40, failed: 0, failures: [] };
const bad: Lap = { answered: 40, failed: 2, failures: ['12:00 ECONNRESET', '12:01 status 503'] };

describe('what the demo says of its clients', () => {
  it('is how many were answered, where no request failed', () => {
    expect(noneFailed(having(good))).toBe('40 requests answered, 0 failed');
  });

  it('is no success where a step lost a request that nothing may lose', () => {
    expect(() => noneFailed(having(bad))).toThrow(NotSeen);
    expect(() => noneFailed(having(bad))).toThrow('2 of 42 requests failed: 12:00 ECONNRESET; 12:01 status 503');
  });

  it('is no success where nobody asked', () => {
    expect(() => noneFailed({ load: undefined } as Demo)).toThrow(/no clients were asking/);
  });

  it('leaves what a kill cut off to be told, in its step and at the end', async () => {
    const demo = having(bad, good);
    expect(lapOf(demo).failed).toBe(2);
    expect(noneFailed(demo)).toContain('0 failed');
    expect(await allTold(demo)).toBe(
      'in all 200 requests answered (100 with keep-alive, 100 without), 2 failed, all of them when a container was killed',
    );
  });
});
