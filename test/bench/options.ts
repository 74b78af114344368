import { parseArgs } from 'node:util';

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
  const number = (name: 'rounds' | 'samples' | 'seconds', least: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least) throw new Error(`--${name} is a whole number, ${least} or more`);
    return value;
  };
  const least = values.anyway ? 2 : 5;
  return {
    only,
    rounds: number('rounds', least),
    samples: number('samples', 10),
    seconds: number('seconds', 5),
    anyway: values.anyway,
    write: values.write,
  };
}
