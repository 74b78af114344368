import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.ts';

export const kinds = ['hop', 'ready', 'path', 'idle'] as const;
export type Kind = (typeof kinds)[number];

export interface Options {
  readonly only: readonly Kind[];
  readonly rounds: number;
  readonly samples: number;
  readonly seconds: number;
  readonly anyway: boolean;
  readonly write: boolean;
}

/** @throws Error naming the word that is not understood. */
export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: 'string', default: kinds.join(',') },
      rounds: { type: 'string', default: '5' },
      samples: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '60' },
      anyway: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const only = values.only.split(',').map((name) => {
    const kind = kinds.find((each) => each === name.trim());
    if (kind === undefined) throw new Error(`--only knows ${kinds.join(', ')}, not ${name}`);
    return kind;
  });
  const least = values.anyway ? 2 : 5;
  return {
    only,
    rounds: wholeNumber('rounds', values.rounds, least),
    samples: wholeNumber('samples', values.samples, 10),
    seconds: wholeNumber('seconds', values.seconds, 5),
    anyway: values.anyway,
    write: values.write,
  };
}
