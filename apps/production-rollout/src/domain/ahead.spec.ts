import { describe, expect, it } from 'vitest';
import { aheadOf } from './ahead.js';

const made = (attempt: number) => ({ release: `of-${attempt}`, attempt });

describe('what runs', () => {
  it('is ahead of a database that never gave out the number of its rollout', () => {
    expect(aheadOf(2, [made(2), made(3)])).toBe(
      'release of-3 runs, brought by rollout 3 here, and the database knows of 2: it is older than what runs, which stays until the next rollout',
    );
  });

  it('is not where its rollout is known, or nothing runs', () => {
    expect(aheadOf(3, [made(3), made(1)])).toBeUndefined();
    expect(aheadOf(0, [])).toBeUndefined();
  });
});
