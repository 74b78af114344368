import { parseArgs } from 'node:util';

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
  const whole = (name: string, text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes whole numbers, 1 or more, not ${text}`);
    return value;
  };
  const sizes = values.releases ?? (values.storm ? '' : '100,1000,10000');
  return {
    releases: sizes
      .split(',')
      .filter(Boolean)
      .map((text) => whole('releases', text.trim()))
      .sort((one, other) => one - other),
    storm: values.storm,
    stormReleases: whole('storm-releases', values['storm-releases']),
    seed: whole('seed', values.seed),
    write: values.write,
    json: values.json,
    keep: values.keep,
    profile: values.profile,
  };
}
