import { describe, expect, it } from 'vitest';
import { ApiProblem } from './api-problem.js';
import { afterOf, cursorOf } from './page-cursor.js';

const id = '01a20908-5729-74df-b0bb-aac8db4be6c6';

describe('a cursor', () => {
  it('is read as it was given out', () => {
    const after = { at: '2026-11-23T05:00:00.000Z', id };
    expect(afterOf(cursorOf(after))).toEqual(after);
    expect(afterOf(undefined)).toBeUndefined();
  });

  it.each([
    ['no base64 of JSON', 'x'],
    ['another shape', Buffer.from('{"at":1}').toString('base64url')],
    ['another id', cursorOf({ at: '2026-11-23T05:00:00.000Z', id: "' or 1=1 --" })],
    ['no time', cursorOf({ at: 'infinity', id })],
    ['a year that Postgres does not read so', cursorOf({ at: '+275760-09-13T00:00:00.000Z', id })],
    ['a year before Christ', cursorOf({ at: '-000001-01-01T00:00:00.000Z', id })],
  ])('is refused where it is %s', (_, cursor) => {
    expect(() => afterOf(cursor)).toThrow(ApiProblem);
  });
});
