import { createInterface } from 'node:readline/promises';
import type { EndRequest } from '../parts/cleanup.ts';

/** Where a person is asked: the two halves of a terminal. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks the person at the terminal and gives what they typed. A terminal that is asked at sends no signals: Ctrl-C comes as a key, and so does Ctrl-D, after
 * which nobody can answer. Both are requests to end like any other. Throws Interrupted where the person asks to end.
 */
export async function askAt({ input, output }: Terminal, question: string, end: EndRequest): Promise<string> {
  end.throwIfAsked();
  const terminal = createInterface({ input, output });
  const toEnd = (): void => end.ask('SIGINT');
  terminal.once('SIGINT', toEnd).once('close', toEnd);
  const ended = end.asked.then(() => '');
  try {
    const answer = await Promise.race([terminal.question(question), ended]);
    end.throwIfAsked();
    return answer;
  } catch (error) {
    end.throwIfAsked();
    throw error;
  } finally {
    terminal.off('close', toEnd).close();
  }
}
