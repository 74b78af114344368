import { parseArgs } from 'node:util';

/** How `npm start` runs the suite. */
export interface Options {
  readonly oneProcess: boolean;
  /** Processes a service. */
  readonly replicas: number;
}

const mostReplicas = 9;

/** @throws Error naming the word that is not understood. */
export function readOptions(words: readonly string[]): Options {
  const options = { 'one-process': { type: 'boolean', default: false }, replicas: { type: 'string', default: '1' } } as const;
  const { values } = parseArgs({ args: [...words], options });
  const replicas = Number(values.replicas);
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > mostReplicas)
    throw new Error(`--replicas is a whole number from 1 to ${mostReplicas}, not ${values.replicas}`);
  return { oneProcess: values['one-process'], replicas };
}
