import { describe, expect, it } from 'vitest';
import { logLogSlope } from './slope.js';

describe('the slope of time over size', () => {
  it('is one where twice the size takes twice the time', () => {
    expect(logLogSlope([100, 1000, 10_000].map((size) => ({ size, took: size * 7 })))).toBeCloseTo(1);
  });

  it('is two where it takes four times the time, and less than one where it takes less', () => {
    expect(logLogSlope([100, 1000].map((size) => ({ size, took: size ** 2 })))).toBeCloseTo(2);
    expect(logLogSlope([100, 1000].map((size) => ({ size, took: 5 + size })))).toBeLessThan(1);
  });

  it('is refused for one size', () => {
    expect(() => logLogSlope([{ size: 100, took: 1 }])).toThrow('two sizes');
  });
});
