import { describe, expect, it } from 'vitest';
import { Throttle } from './throttle.js';

describe('the throttle', () => {
  it('lets so many of a name through in a window, and says when to come again', () => {
    let now = 50_000;
    const throttle = new Throttle({ atOnce: 10, inWindow: 2, windowMs: 10_000 }, () => now);
    expect([throttle.enter('shop'), throttle.enter('shop')]).toEqual([undefined, undefined]);
    now += 3_500;
    expect(throttle.enter('shop')).toBe(7);
    expect(throttle.enter('other')).toBeUndefined();
    now += 6_500;
    expect(throttle.enter('shop')).toBeUndefined();
  });

  it('lets so many through at a time, whatever their names', () => {
    const throttle = new Throttle({ atOnce: 2, inWindow: 10, windowMs: 10_000 }, () => 50_000);
    expect([throttle.enter('a'), throttle.enter('b'), throttle.enter('c')]).toEqual([undefined, undefined, 1]);
    throttle.leave();
    expect(throttle.enter('c')).toBeUndefined();
  });

  it('counts nobody who was turned away', () => {
    const throttle = new Throttle({ atOnce: 1, inWindow: 2, windowMs: 10_000 }, () => 50_000);
    throttle.enter('a');
    for (let again = 0; again < 5; again++) expect(throttle.enter('a')).toBe(1);
    throttle.leave();
    expect(throttle.enter('a')).toBeUndefined();
  });
});
