import { describe, expect, it } from 'vitest';
import { isOneOf, readOptions } from './options.ts';

describe('the words after npm run faults --', () => {
  it('hurt two processes of every service for five minutes where nothing is said', () => {
    expect(readOptions([])).toMatchObject({ mode: 'plan', seed: 1, minutes: 5, replicas: 2, only: '', write: false });
  });

  it('say the seed, how long, and how many', () => {
    expect(readOptions(['--seed', '42', '--minutes', '30', '--replicas', '3', '--write'])).toMatchObject({
      seed: 42,
      minutes: 30,
      replicas: 3,
      write: true,
    });
  });

  it('ask for some crash points, or for all', () => {
    expect(readOptions(['--points', '12'])).toMatchObject({ mode: 'points', points: 12, replicas: 2 });
    expect(readOptions(['--points', 'all'])).toMatchObject({ mode: 'points', points: undefined });
    expect(readOptions(['--record'])).toMatchObject({ mode: 'record', replicas: 1 });
  });

  it.each([
    ['--minutes=0', /--minutes is a whole number/],
    ['--replicas=4', /--replicas is a whole number from 1 to 3/],
    ['--seed=one', /--seed is a whole number/],
    ['--points=none', /--points is a whole number/],
    ['--hour=1', /hour/],
  ])('refuse %s, naming it', (word, why) => {
    expect(() => readOptions([word])).toThrow(why);
  });

  it('ask for whatever has one of several texts in its name', () => {
    const asked = ['kafka killed', 'docker slow', 'registry killed'].filter((name) => isOneOf('docker|registry k', name));
    expect(asked).toEqual(['docker slow', 'registry killed']);
    expect(isOneOf('', 'anything')).toBe(true);
  });
});
