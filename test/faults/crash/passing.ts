import { appendFileSync, existsSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { armedFile, holds, killedFile, now, passedFile } from './files.ts';

/** Moments of a step at which a crash could lose or double something. */
export type Moment =
  | 'claimed'
  | 'armed'
  | 'before commit'
  | 'after commit'
  | 'after commit, before publish'
  | 'after publish, before mark'
  | 'during the call'
  | 'answered, not recorded';

/** A process is held no longer than this: as little as nobody takes it for dead. */
const longestHoldMs = 3_000;

/** The points a process passes: each is written down, and where one is armed the process ends there, or is held. */
export class Passing {
  readonly #folder: string;
  readonly #service: string;
  readonly #log: string;

  constructor(folder: string, service: string) {
    this.#folder = folder;
    this.#service = service;
    this.#log = passedFile(folder, service, process.pid);
  }

  /** To be called at the point itself, synchronously: what comes after it has not happened yet. `about` names the rows it is about, where there are any. */
  pass(what: string, moment: Moment, about: readonly string[] = []): void {
    const point = `${this.#service} · ${what} · ${moment}`;
    const at = now();
    const lot = this.#takeLot(point);
    if (lot === '') {
      appendFileSync(killedFile(this.#folder), `${JSON.stringify({ point, pid: process.pid, at })}\n`);
      process.kill(process.pid, 'SIGKILL');
    }
    appendFileSync(this.#log, `${at}\t${point}\n`);
    if (lot?.startsWith(holds)) this.#stay(join(this.#folder, lot), { point, pid: process.pid, at, about });
  }

  /** Of several processes that reach armed points of one lot, the one that removes its file gets what stands in it: nothing, where it is to end. */
  #takeLot(point: string): string | undefined {
    const file = join(this.#folder, armedFile(point));
    if (!existsSync(file)) return undefined;
    try {
      const lot = join(this.#folder, readFileSync(file, 'utf8'));
      const text = readFileSync(lot, 'utf8');
      unlinkSync(lot);
      return text;
    } catch {
      return undefined;
    }
  }

  /** Until the runner takes the file away. The whole process waits, as nothing of what comes after the point may happen. */
  #stay(file: string, held: object): void {
    writeFileSync(`${file}.new`, JSON.stringify(held));
    renameSync(`${file}.new`, file);
    const cell = new Int32Array(new SharedArrayBuffer(4));
    for (const end = now() + longestHoldMs; existsSync(file) && now() < end; ) Atomics.wait(cell, 0, 0, 5);
  }
}
