import { describe, expect, it } from 'vitest';
import { Telling } from './telling.js';

describe('telling of dead letters that nobody owns', () => {
  it('tells of so many, then of one at a time, and how many it left out', () => {
    let now = 0;
    const telling = new Telling({ atOnce: 3, backMs: 1_000 }, () => now);
    expect([1, 2, 3, 4, 5].map(() => telling.next())).toEqual([0, 0, 0, undefined, undefined]);
    now = 999;
    expect(telling.next()).toBeUndefined();
    now = 1_500;
    expect([telling.next(), telling.next()]).toEqual([3, undefined]);
    now = 2_000;
    expect(telling.next()).toBe(1);
  });

  it('tells of no more at once, however long nothing came', () => {
    let now = 0;
    const telling = new Telling({ atOnce: 2, backMs: 1_000 }, () => now);
    now = 3_600_000;
    expect([telling.next(), telling.next(), telling.next()]).toEqual([0, 0, undefined]);
  });
});
