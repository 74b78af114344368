import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Known, movements } from './movements.js';

const heads = fc
  .dictionary(fc.constantFrom('refs/heads/a', 'refs/heads/b', 'refs/tags/a', 'refs/tags/b'), fc.constantFrom('1', '2', '3'))
  .map((each): Known[] => Object.entries(each).map(([ref, revision]) => ({ ref, revision })));

describe('movements', () => {
  it('says what is new, moved and gone, branches first', () => {
    const known = [
      { ref: 'refs/tags/v1', revision: '1' },
      { ref: 'refs/heads/main', revision: '1' },
      { ref: 'refs/heads/old', revision: '1' },
    ];
    const seen = [
      { ref: 'refs/tags/v2', revision: '2' },
      { ref: 'refs/heads/main', revision: '2' },
      { ref: 'refs/tags/v1', revision: '1' },
    ];
    expect(movements(known, seen)).toEqual([
      { ref: 'refs/heads/main', from: '1', to: '2' },
      { ref: 'refs/heads/old', from: '1', to: null },
      { ref: 'refs/tags/v2', from: null, to: '2' },
    ]);
  });

  it('leads from what was known to what is seen, and then there is nothing to say', () => {
    fc.assert(
      fc.property(heads, heads, (known, seen) => {
        const now = new Map(known.map(({ ref, revision }) => [ref, revision]));
        for (const { ref, from, to } of movements(known, seen)) {
          expect(now.get(ref) ?? null).toBe(from);
          if (to === null) now.delete(ref);
          else now.set(ref, to);
        }
        expect(Object.fromEntries(now)).toEqual(Object.fromEntries(seen.map(({ ref, revision }) => [ref, revision])));
        expect(movements(seen, seen)).toEqual([]);
      }),
    );
  });
});
