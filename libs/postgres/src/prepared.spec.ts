import { describe, expect, it } from 'vitest';
import { asked, prepared } from './prepared.js';

describe('a prepared statement', () => {
  it('has the same name for the same text, another for another, and one that Postgres does not cut', () => {
    expect(prepared('select 1')).toEqual(prepared('select 1'));
    expect(prepared('select 1').name).not.toBe(prepared('select 2').name);
    expect(prepared('select 1').name.length).toBeLessThan(64);
  });

  it('is asked by its name, a text without one', () => {
    expect(asked(prepared('select $1'), [1])).toMatchObject({ name: expect.any(String), text: 'select $1', values: [1] });
    expect(asked('select $1', [1])).toEqual({ text: 'select $1', values: [1] });
  });
});
