import { describe, expect, it } from 'vitest';
import { readOptions } from './options.ts';

describe('the words after npm start --', () => {
  it('run every service once, each in a process of its own, where nothing is said', () => {
    expect(readOptions([])).toEqual({ oneProcess: false, replicas: 1 });
  });

  it('say how many processes each service has', () => {
    expect(readOptions(['--replicas', '3', '--one-process'])).toEqual({ oneProcess: true, replicas: 3 });
  });

  it.each(['0', '10', '1.5', 'two', ''])('refuse %j replicas, naming the option', (many) => {
    expect(() => readOptions([`--replicas=${many}`])).toThrow(/--replicas is a whole number from 1 to 9/);
  });
});
