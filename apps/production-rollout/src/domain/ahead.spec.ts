import { describe, expect, it } from 'vitest';
import { aheadOf, askedAt, beside, isBehind, isSignedBefore, newestBrought, newestOf } from './ahead.js';
import { emptyEnvironment, type Standing } from './environment.js';

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

  it('is remembered as long as none that is known here brought it', () => {
    const environment = { ...emptyEnvironment('shop', 'production'), attempts: 2 };
    expect(beside(environment, 2)).toBe(environment);
    expect(isBehind(environment)).toBe(false);
    const behind = beside(environment, 3);
    expect(isBehind(behind)).toBe(true);
    // A version of before keeps the mark when a later one was good.
    expect(isBehind({ ...behind, running: { attempt: 4 } as Standing })).toBe(false);
  });

  it('is counted by numbers we could have written', () => {
    expect(newestBrought([made(2), made(Number.NaN), made(1e12)])).toBe(2);
    expect(newestBrought([])).toBe(0);
  });

  it('was signed over only by who signed since, where the database does not know it', () => {
    const now = new Date('2026-11-23T12:00:00.000Z');
    const newest = newestOf([
      { ...made(3), runningForMs: 60_000 },
      { ...made(2), runningForMs: 900_000 },
    ]);
    expect(newest).toEqual({ attempt: 3, forMs: 60_000 });
    expect(isSignedBefore('2026-11-23T11:58:00.000Z', 2, newest, now)).toBe(true);
    expect(isSignedBefore('2026-11-23T11:59:30.000Z', 2, newest, now)).toBe(false);
    expect(isSignedBefore('2026-11-23T11:58:00.000Z', 3, newest, now)).toBe(false);
    // Nothing that runs is in its way.
    expect(isSignedBefore('2026-11-23T11:58:00.000Z', 2, { attempt: 3, forMs: 0 }, now)).toBe(false);
  });

  it('was asked for when its request was made, whenever its grant was issued anew, and a rollback when it was commanded', () => {
    const grant = { request: '019aafbd-3c00-7000-8000-000000000000', issuedAt: '2026-11-23T12:00:00.000Z' };
    const asked = { createdAt: '2026-11-23T11:00:00.000Z', grant };
    const requested = '2025-11-23T08:03:25.824Z';
    expect(askedAt({ ...asked, kind: 'rollout' })).toBe(requested);
    expect(askedAt({ ...asked, kind: 'rollback' })).toBe(asked.createdAt);
  });
});
