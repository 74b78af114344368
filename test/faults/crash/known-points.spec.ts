import { describe, expect, it } from 'vitest';
import { stories } from '../load/stories.ts';
import { isAnybodys, isOfCode, placeOf, placesInCode, unreachedBy } from './known-points.ts';
import known from './points.json' with { type: 'json' };
import unreached from './unreached.json' with { type: 'json' };

describe('the crash points', () => {
  it('are at every place of the code: a new handler, saying, work or route is in a story, or is named as in none', () => {
    expect(unreachedBy(Object.keys(known)), 'tell a story that passes them, and npm run faults -- --record').toEqual(unreached);
  });

  it('are passed in every story: one that owns none was never recorded, or need not be told', () => {
    const owners = new Set(Object.values(known));
    expect(
      stories.map(({ name }) => name).filter((name) => !owners.has(name)),
      'npm run faults -- --record',
    ).toEqual([]);
    const names = new Set(stories.map(({ name }) => name));
    expect([...owners].filter((name) => !names.has(name))).toEqual([]);
  });

  it('are at no place that is gone', () => {
    const places = new Set(placesInCode());
    const recorded = [...new Set(Object.keys(known).map(placeOf))];
    expect(recorded.filter((place) => isOfCode(place) && !isAnybodys(place) && !places.has(place))).toEqual([]);
  });
});
