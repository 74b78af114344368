import { describe, expect, it } from 'vitest';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('returns the first answer that is not false', async () => {
    let asked = 0;
    expect(await eventually(() => (++asked < 3 ? false : asked), { every: 1 })).toBe(3);
  });

  it('forgets failures before the first success', async () => {
    let asked = 0;
    await eventually(() => expect(++asked).toBe(3), { every: 1 });
    expect(asked).toBe(3);
  });

  it('fails with the last problem, how long it waited and how often it asked', async () => {
    await expect(eventually(() => expect('red').toBe('green'), { within: 30, every: 5 })).rejects.toThrow(
      /^not so within 30 ms \(\d+ tries\); last: expected 'red' to be 'green'/,
    );
  });

  it('does not wait longer for a condition that hangs', async () => {
    await expect(eventually(() => new Promise(() => undefined), { within: 20 })).rejects.toThrow(/within 20 ms \(1 try\)/);
  });
});
