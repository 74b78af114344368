import { parseArgs } from 'node:util';

/** What the person asked the demo for. */
export interface Options {
  /** End by itself after the last step; the exit code tells whether every step happened. */
  once: boolean;
  /** Two demo people give the sign-offs; otherwise they are asked for on the terminal. */
  yes: boolean;
  /** From a Subversion repository instead of a Git one. */
  svn: boolean;
  /** Leave data, logs and containers where they are at the end. */
  keep: boolean;
  /** All services in one process. */
  oneProcess: boolean;
}

/**
 * Reads the words after the command. Throws with a sentence for the person on a word it does not know, and where nobody could be asked for the sign-offs:
 * nobody's are given unasked but with --yes.
 */
export function readOptions(words: readonly string[], terminal: boolean): Options {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ args: [...words], options: { once: flag, yes: flag, svn: flag, keep: flag, 'one-process': flag } });
  if (!values.yes && !terminal)
    throw new Error('There is no terminal to ask for the sign-offs at. With --yes two demo people give them: npm run demo -- --yes');
  return { once: values.once, yes: values.yes, svn: values.svn, keep: values.keep, oneProcess: values['one-process'] };
}
