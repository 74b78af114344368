import { type FSWatcher, watch } from 'node:fs';
import { everyProcess } from '@slipway/testkit';
import type { Piece, Place } from '../attack/canary.ts';

/** What a neighbour on the machine could see of every process: arguments and environment. */
export class Neighbour implements Place {
  readonly name = 'processes';
  /** Each word once, by the first of those it stood among: the program, or a variable. */
  readonly #seen = new Map<string, Set<string>>();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastAt = 0;

  /** Looks whenever a file of the suite changes, and whenever it is asked to: by a server that a service is just talking to, when its git or svn is there to be seen. */
  static at(folder: string): Neighbour {
    const neighbour = new Neighbour();
    neighbour.#watcher = watch(folder, { recursive: true }, () => neighbour.look());
    neighbour.#watcher.on('error', () => undefined); // a folder that went away while it was being watched
    return neighbour;
  }

  /** Looks from time to time, for as long as it is not closed: what a long run can spare. */
  static every(ms: number): Neighbour {
    const neighbour = new Neighbour();
    neighbour.look();
    neighbour.#timer = setInterval(() => neighbour.look(), ms).unref();
    return neighbour;
  }

  /** At most twenty times a second: looking is work. */
  look(): void {
    if (performance.now() - this.#lastAt < 50) return;
    for (const line of everyProcess().split('\n')) {
      const words = line.split('\0').filter((word) => word !== '');
      // Of a variable its name alone: where something was found tells nothing of what.
      const first = words[0]?.replace(/=.*/s, '=');
      if (first === undefined) continue;
      const known = this.#seen.get(first) ?? new Set<string>();
      for (const word of words) known.add(word);
      this.#seen.set(first, known);
    }
    this.#lastAt = performance.now();
  }

  /** Whether a process with this in its arguments was seen: the search was of something. */
  saw(words: string): boolean {
    return [...this.#seen.values()].some((each) => [...each].some((word) => word.includes(words)));
  }

  *pieces(): Generator<Piece> {
    for (const [first, words] of this.#seen) yield { where: first, content: [...words].join('\n') };
  }

  close(): void {
    this.#watcher?.close();
    clearInterval(this.#timer);
  }
}
