import { describe, expect, it } from 'vitest';
import { Broken, brokenBy, canonical, explore, type World } from './explore.js';

/** Two jugs of 3 and 5, to be filled, emptied and poured into each other. */
const jugs: World<readonly [number, number]> = {
  starts: { 'both are empty': [0, 0] },
  *moves([small, large]) {
    const poured = Math.min(small, 5 - large);
    const back = Math.min(large, 3 - small);
    yield ['fill the small one', () => [3, large]];
    yield ['fill the large one', () => [small, 5]];
    yield ['empty the small one', () => [0, large]];
    yield ['empty the large one', async () => [small, 0]];
    yield ['pour small into large', () => [small - poured, large + poured]];
    yield ['pour large into small', () => [small + back, large - back]];
  },
};
const whole = { atMost: 100, atLeast: { states: 16, edges: 96 } };

describe('exploring', () => {
  it('goes through every state and every step', async () => {
    const within = ([small, large]: readonly [number, number]) => small <= 3 && large <= 5;
    expect(await explore({ ...jugs, always: { 'no jug runs over': within } }, whole)).toEqual({ states: 16, edges: 96 });
  });

  it('tells the shortest story to what must not be', async () => {
    const broken = await brokenBy({ ...jugs, always: { 'there are never 4': ([, large]) => large !== 4 } }, 100);
    expect(broken.story).toEqual([
      'both are empty',
      'fill the large one',
      'pour large into small',
      'empty the small one',
      'pour large into small',
      'fill the large one',
      'pour large into small',
    ]);
    expect(broken.message).toMatch(/^there are never 4: does not hold\n {2}at first both are empty\n {2}1\. fill the large one\n/);
  });

  it('tells which of many things it was', async () => {
    const promises = {
      'all is well': ([small]: readonly [number, number]) => {
        if (small === 2) throw new Broken('the small one is never at 2', [], 'it is', null);
      },
    };
    const broken = await brokenBy({ ...jugs, always: promises as never }, 100);
    expect([broken.promise, broken.why, broken.story.length]).toEqual(['all is well: the small one is never at 2', 'it is', 5]);
  });

  it('judges single steps, those that change nothing too', async () => {
    const broken = await brokenBy({ ...jugs, steps: { 'something changes': (before, after) => `${before}` !== `${after}` } }, 100);
    expect(broken.story).toEqual(['both are empty', 'empty the small one']);
  });

  it('finds what is stuck for good', async () => {
    const lossy: World<number> = {
      starts: { 'all is well': 0 },
      *moves(state) {
        if (state === 0) yield ['work', () => 1];
        if (state === 1) yield ['end', () => 2];
        if (state === 1) yield ['forget it', () => 3];
      },
      reaches: { 'it ends': (state) => state === 2 },
    };
    expect((await brokenBy(lossy, 100)).story).toEqual(['all is well', 'work', 'forget it']);
  });

  it('takes a step that throws for a broken promise', async () => {
    const fails: World<number> = {
      starts: { begin: 0 },
      *moves() {
        yield [
          'fall',
          () => {
            throw new TypeError('over nothing');
          },
        ];
      },
    };
    await expect(explore(fails, whole)).rejects.toThrow(/^no step may throw: TypeError: over nothing\n {2}at first begin\n {2}1\. fall/);
  });

  it('fails loudly when the world is larger than said, or smaller', async () => {
    await expect(explore(jugs, { ...whole, atMost: 15 })).rejects.toThrow(/^more than 15 states; the last one found:\nboth are empty/);
    await expect(explore(jugs, { ...whole, atLeast: { states: 17, edges: 1 } })).rejects.toThrow('only 16 states and 96 steps');
    await expect(explore({ ...jugs, starts: {} }, { atMost: 9, atLeast: { states: 1, edges: 0 } })).rejects.toThrow('only 0 states');
    await expect(brokenBy(jugs, 100)).rejects.toThrow('nothing was broken in it');
    await expect(brokenBy(jugs, 3)).rejects.not.toBeInstanceOf(Broken);
  });

  it('names ids in the order they appear and moments by their rank', () => {
    const [a, b] = ['01939f00-0000-7000-8000-00000000000a', '01939f00-0000-7000-8000-00000000000b'];
    const [early, late] = ['2026-11-23T05:00:00.000Z', '2026-11-24T05:00:00.000Z'];
    expect(canonical({ x: b, y: a, z: b, at: late, since: early })).toBe('{"x":"#0","y":"#1","z":"#0","at":"@1","since":"@0"}');
    expect(canonical([a, late, early])).toBe(canonical([b, '2026-11-25T05:00:00.000Z', late]));
    expect(canonical([a, late, early])).not.toBe(canonical([a, early, late]));
  });
});
