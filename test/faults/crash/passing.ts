import { appendFileSync, existsSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { armedFile, killedFile, now, passedFile } from './files.ts';

/** Moments of a step at which a crash could lose or double something. */
export type Moment =
  | 'claimed'
  | 'before commit'
  | 'after commit'
  | 'after commit, before publish'
  | 'after publish, before mark'
  | 'during the call'
  | 'answered, not recorded';

/** The points a process passes: each is written down, and where one is armed the process ends there. */
export class Passing {
  readonly #folder: string;
  readonly #service: string;
  readonly #log: string;

  constructor(folder: string, service: string) {
    this.#folder = folder;
    this.#service = service;
    this.#log = passedFile(folder, service, process.pid);
  }

  /** To be called at the point itself, synchronously: what comes after it has not happened yet. */
  pass(what: string, moment: Moment): void {
    const point = `${this.#service} · ${what} · ${moment}`;
    const at = now();
    if (this.#isOurs(point)) {
      appendFileSync(killedFile(this.#folder), `${JSON.stringify({ point, pid: process.pid, at })}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    appendFileSync(this.#log, `${at}\t${point}\n`);
  }

  /** Of several processes that reach armed points of one lot, the one that removes its file dies. */
  #isOurs(point: string): boolean {
    const file = join(this.#folder, armedFile(point));
    if (!existsSync(file)) return false;
    try {
      unlinkSync(join(this.#folder, readFileSync(file, 'utf8')));
      return true;
    } catch {
      return false;
    }
  }
}
