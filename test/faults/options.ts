import { parseArgs } from 'node:util';

/** What a run is to do; the words are told by help.txt. */
export interface Options {
  readonly mode: 'plan' | 'points' | 'record';
  readonly seed: number;
  readonly minutes: number;
  readonly replicas: number;
  readonly pushEveryMs: number;
  readonly only: string;
  /** How many crash points; undefined for all. */
  readonly points: number | undefined;
  readonly write: boolean;
}

/** @throws Error naming the word that is not understood. */
export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '5' },
      replicas: { type: 'string' },
      every: { type: 'string', default: '8' },
      only: { type: 'string', default: '' },
      points: { type: 'string' },
      record: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const mode = values.record ? 'record' : values.points !== undefined ? 'points' : 'plan';
  const usual = mode === 'plan' ? '2' : '1';
  return {
    mode,
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1),
    minutes: whole('minutes', values.minutes, 1, 600),
    replicas: whole('replicas', values.replicas ?? usual, 1, 3),
    pushEveryMs: whole('every', values.every, 1, 3600) * 1000,
    only: values.only,
    points: values.points === undefined || values.points === 'all' ? undefined : whole('points', values.points, 1, 10_000),
    write: values.write,
  };
}

function whole(name: string, said: string, least: number, most: number): number {
  const value = said.trim() === '' ? Number.NaN : Number(said);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`--${name} is a whole number from ${least} to ${most}, not ${said}`);
  return value;
}
