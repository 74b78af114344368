import { describe, expect, it } from 'vitest';
import { restMs, worthSaying } from './poll-pace.js';

describe('the pace of polling', () => {
  it('is the interval, give or take a tenth', () => {
    expect([restMs(60, 0, 0), restMs(60, 0, 0.5), restMs(60, 0, 1)]).toEqual([54_000, 60_000, 66_000]);
  });

  it('slows down with every failure, up to ten minutes, but never below the interval', () => {
    expect([1, 2, 3, 9, 1000].map((failures) => restMs(60, failures, 0.5))).toEqual([120_000, 240_000, 480_000, 600_000, 600_000]);
    expect(restMs(3600, 5, 0.5)).toBe(3_600_000);
  });

  it('says a failure once: at once when somebody must act, else when it came twice', () => {
    expect(worthSaying({ passes: false, count: 1, said: false, other: true })).toBe(true);
    expect(worthSaying({ passes: true, count: 1, said: false, other: true })).toBe(false);
    expect(worthSaying({ passes: true, count: 2, said: false, other: true })).toBe(true);
    expect(worthSaying({ passes: false, count: 3, said: true, other: false })).toBe(false);
    expect(worthSaying({ passes: false, count: 4, said: true, other: true })).toBe(true);
    expect(worthSaying({ passes: true, count: 5, said: true, other: true })).toBe(false);
  });
});
