import { describe, expect, it } from 'vitest';
import { amongWaiting } from './among-waiting.js';

interface Row {
  readonly id: string;
}

/** Rows of these ids wait; `forged` are not believed. What was asked about is kept. */
function rows(ids: readonly string[], forged: readonly string[] = []) {
  const asked: (readonly string[])[] = [];
  const believedOf = async (_: null, about: readonly string[]) => {
    asked.push(about);
    if (asked.length > ids.length + 1) throw new Error('it goes on for ever');
    return about.filter((id) => !forged.includes(id));
  };
  return { asked, waiting: async () => ids.map((id) => ({ id })), believedOf };
}
const place = { project: 'shop', environment: 'test' };

describe('a decision about what waits', () => {
  it('is made again without those it names that are not believed, and asks about no others', async () => {
    const waiting = rows(['a', 'b', 'c', 'd'], ['a', 'b', 'd']);
    const first = await amongWaiting(
      waiting,
      null,
      place,
      ([one]) => one,
      (one) => (one ? [one] : []),
    );
    expect(first).toEqual({ id: 'c' });
    expect(waiting.asked).toEqual([['a'], ['b'], ['c']]);
  });

  it('is made in the end where none is believed, and where it names one twice', async () => {
    const all = (each: readonly Row[]) => each;
    expect(await amongWaiting(rows(['a', 'b'], ['a', 'b']), null, place, all, all)).toEqual([]);
    const twice = (each: readonly Row[]) => [...each, ...each];
    expect(await amongWaiting(rows(['a', 'b'], ['b']), null, place, all, twice)).toEqual([{ id: 'a' }]);
  });
});
