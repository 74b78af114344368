import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.ts';

/** What a run is to do; the words are told by help.txt. */
export interface Options {
  readonly mode: 'plan' | 'points' | 'record';
  readonly seed: number;
  /** How long faults go on; of a sweep, how long further points are armed: without end where nothing was said. */
  readonly minutes: number;
  readonly replicas: number;
  readonly pushEveryMs: number;
  readonly only: string;
  /** How many crash points; undefined for all. */
  readonly points: number | undefined;
  /** Where a sweep keeps what it did, and goes on from. */
  readonly state: string | undefined;
  readonly write: boolean;
  /** Where the history is kept, whatever the verdict; undefined: only where a promise did not hold. */
  readonly history: string | undefined;
}

/** @throws Error naming the word that is not understood. */
export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string' },
      replicas: { type: 'string' },
      every: { type: 'string', default: '8' },
      only: { type: 'string', default: '' },
      points: { type: 'string' },
      record: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      history: { type: 'string' },
      state: { type: 'string' },
    },
  });
  const mode = values.record ? 'record' : values.points !== undefined ? 'points' : 'plan';
  const usual = mode === 'record' ? '1' : '2';
  return {
    mode,
    seed: wholeNumber('seed', values.seed, 0, 2 ** 31 - 1),
    minutes:
      mode === 'points' && values.minutes === undefined ? Number.POSITIVE_INFINITY : wholeNumber('minutes', values.minutes ?? '5', 1, 600),
    replicas: wholeNumber('replicas', values.replicas ?? usual, 1, 3),
    pushEveryMs: wholeNumber('every', values.every, 1, 3600) * 1000,
    only: values.only,
    points: values.points === undefined || values.points === 'all' ? undefined : wholeNumber('points', values.points, 1, 10_000),
    state: values.state,
    write: values.write,
    history: values.history,
  };
}

/** Whether it has one of these texts in its name; they are told apart by `|`. */
export function isOneOf(only: string, name: string): boolean {
  return only.split('|').some((text) => name.includes(text));
}
