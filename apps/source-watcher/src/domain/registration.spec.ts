import { describe, expect, it } from 'vitest';
import { takenAtRegistration, watches } from './registration.js';

const at = (ref: string, committedAt = '') => ({ ref, committedAt });
const taken = (branches: string[], ...candidates: { ref: string; committedAt: string }[]) => [
  ...takenAtRegistration({ branches, tags: ['v*'] }, candidates),
];

describe('what is taken at registration', () => {
  it('is every branch named in full, and no tag', () => {
    expect(taken(['main', 'release/*'], at('refs/heads/main'), at('refs/heads/release/1'), at('refs/tags/v1'))).toEqual([
      'refs/heads/main',
    ]);
    expect(taken(['main', 'next'], at('refs/heads/main'), at('refs/heads/next'))).toEqual(['refs/heads/main', 'refs/heads/next']);
  });

  it('is the newest branch where only patterns are given', () => {
    expect(
      taken(['release/*'], at('refs/heads/release/1', '2026-01-01T00:00:00Z'), at('refs/heads/release/2', '2026-02-01T00:00:00Z')),
    ).toEqual(['refs/heads/release/2']);
    expect(taken(['release/*'], at('refs/tags/v1'))).toEqual([]);
  });

  it('is nothing of a pattern while a branch named in full is still to come', () => {
    expect(taken(['main', 'release/*'], at('refs/heads/release/1'))).toEqual([]);
  });
});

describe('what is watched', () => {
  it.each([
    ['refs/heads/main', true],
    ['refs/heads/v1', false],
    ['refs/tags/v1', true],
    ['refs/tags/main', false],
    ['refs/pull/1/head', false],
  ])('%s: %s', (ref, expected) => {
    expect(watches({ branches: ['main'], tags: ['v*'] }, ref)).toBe(expected);
  });
});
