import { describe, expect, it } from 'vitest';
import { backOffMs } from './claims.js';

describe('the back-off', () => {
  it('doubles from a second to five minutes', () => {
    const longest = () => 1;
    expect([1, 2, 3, 9, 10, 1_000].map((attempt) => backOffMs(attempt, 'errored', longest))).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]);
  });

  it('ends at twenty seconds where a part is away: nobody waits minutes for what is back', () => {
    expect([1, 5, 6, 1_000].map((attempt) => backOffMs(attempt, 'away', () => 1))).toEqual([1_000, 16_000, 20_000, 20_000]);
  });

  it('is spread over all of that time, so that many do not come back together', () => {
    expect([0, 0.5].map((chance) => backOffMs(3, 'errored', () => chance))).toEqual([0, 2_000]);
  });
});
