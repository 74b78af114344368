import { appendFileSync } from 'node:fs';
import type { Seen, SeenAnswer, SeenCommand, SeenDelivery, SeenPush, SeenSignOff } from './history.ts';

type Told<S extends Seen> = Omit<S, 'kind' | 'asked' | 'answered'> & { readonly asked?: string };

/** What load clients write down of what they saw, while they see it. With a file it outlives the process that wrote it: one JSON line each. */
export class LoadLog {
  readonly #seen: Seen[] = [];
  readonly #file: string | undefined;

  constructor(file?: string) {
    this.#file = file;
  }

  get seen(): readonly Seen[] {
    return this.#seen;
  }

  /** A commit or tag was put into a repository. */
  pushed(push: Told<SeenPush>): void {
    this.#add({ kind: 'push', ...at(push) });
  }

  /** A webhook was sent; `status` is what it was answered with, 0 where no answer came. */
  delivered(delivery: Told<SeenDelivery>): void {
    this.#add({ kind: 'delivery', ...at(delivery) });
  }

  signedOff(signOff: Told<SeenSignOff>): void {
    this.#add({ kind: 'sign-off', ...at(signOff) });
  }

  commanded(command: Told<SeenCommand>): void {
    this.#add({ kind: 'command', ...at(command) });
  }

  answered(answer: Told<SeenAnswer>): void {
    this.#add({ kind: 'answer', ...at(answer) });
  }

  #add(seen: Seen): void {
    this.#seen.push(seen);
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(seen)}\n`);
  }
}

function at<T extends { readonly asked?: string }>(told: T): T & { asked: string; answered: string } {
  const now = new Date().toISOString();
  return { ...told, asked: told.asked ?? now, answered: now };
}
