import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

describe('the words after npm run demo --', () => {
  it('are read', () => {
    expect(readOptions(['--once', '--svn', '--keep', '--one-process'], true)).toEqual({
      once: true,
      yes: false,
      svn: true,
      keep: true,
      oneProcess: true,
    });
  });

  it('are refused where one is not known', () => {
    expect(() => readOptions(['--twice'], true)).toThrow(/--twice/);
  });

  it('must say --yes where there is no terminal to ask at', () => {
    expect(() => readOptions(['--once'], false)).toThrow(/no terminal.*--yes/);
    expect(readOptions(['--once', '--yes'], false).yes).toBe(true);
  });
});
