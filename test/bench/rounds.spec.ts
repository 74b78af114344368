import { describe, expect, it } from 'vitest';
import { drift, interleave, median, passes, quantile, ratios } from './rounds.ts';

const rounds = [10, 11, 12, 10, 11].map((baseline) => ({ baseline, suite: baseline * 1.5 }));
const figure = { name: 'x', unit: 'ms', baselineIs: 'y', rounds, notes: [] };

describe('the figures of a benchmark', () => {
  it('are medians of the ratios within rounds', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(
      median(
        ratios([
          { baseline: 1, suite: 2 },
          { baseline: 10, suite: 10 },
          { baseline: 2, suite: 6 },
        ]),
      ),
    ).toBe(2);
  });

  it('have quantiles that were truly seen', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99)]).toEqual([50, 99, 7]);
  });

  it('pass or fail by the ratio, or by what the suite needed', () => {
    expect(passes(figure)).toBeUndefined();
    expect(passes({ ...figure, gate: { of: 'ratio', most: 1.5 } })).toBe(true);
    expect(passes({ ...figure, gate: { of: 'ratio', most: 1.4 } })).toBe(false);
    expect(passes({ ...figure, gate: { of: 'suite', most: 16 } })).toBe(false);
    expect(passes({ ...figure, gate: { of: 'suite', most: 17 } })).toBe(true);
  });

  it('are not to be trusted where the baseline drifts', () => {
    expect(drift(rounds)).toBeLessThan(0.15);
    expect(drift([10, 10, 11, 12, 12].map((baseline) => ({ baseline, suite: 1 })))).toBeCloseTo(0.2);
  });

  it('come from sides that take turns, after a round that does not count', async () => {
    const turns: string[] = [];
    const side = (name: string) => async (round: number) => turns.push(`${name}${round}`);
    expect(await interleave(2, { baseline: side('b'), suite: side('s') }, () => undefined)).toHaveLength(2);
    expect(turns).toEqual(['b0', 's0', 'b1', 's1', 'b2', 's2']);
  });
});
