import { describe, expect, it } from 'vitest';
import { worthTelling } from './worth-telling.js';

const line = (name: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ line: name, number: to - at }));

describe('of what contains a release', () => {
  it('all is told where there is room, newest first', () => {
    expect(worthTelling([...line('live', 5, 6), ...line('main', 2, 4)])).toEqual([6, 5, 4, 3, 2]);
    expect(worthTelling([])).toEqual([]);
  });

  it('the oldest of each line is told, however many came later', () => {
    const told = worthTelling([...line('main', 301, 900), ...line('live', 260, 300), ...line('main', 10, 259)]);
    expect(told).toHaveLength(200);
    expect(told.slice(0, 2)).toEqual([900, 899]);
    expect(told.slice(-2)).toEqual([260, 10]);
  });
});
