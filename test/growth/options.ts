import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.ts';

export interface Options {
  /** Sizes to run, smallest first. */
  readonly releases: readonly number[];
  readonly storm: boolean;
  readonly stormReleases: number;
  readonly seed: number;
  readonly write: boolean;
  /** A file for all that was seen, whole. */
  readonly json: string | undefined;
  readonly keep: boolean;
  /** Keeps a CPU profile of every service. */
  readonly profile: boolean;
}

/** @throws Error naming the word that is not understood. */
export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      releases: { type: 'string' },
      storm: { type: 'boolean', default: false },
      'storm-releases': { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
    },
  });
  const sizes = values.releases ?? (values.storm ? '' : '100,1000,10000');
  return {
    releases: sizes
      .split(',')
      .filter(Boolean)
      .map((text) => wholeNumber('releases', text, 1))
      .sort((one, other) => one - other),
    storm: values.storm,
    stormReleases: wholeNumber('storm-releases', values['storm-releases'], 1),
    seed: wholeNumber('seed', values.seed, 1),
    write: values.write,
    json: values.json,
    keep: values.keep,
    profile: values.profile,
  };
}
