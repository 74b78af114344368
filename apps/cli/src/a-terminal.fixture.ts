import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExitCode } from './exit.js';
import { run } from './program.js';
import type { Sink, Surroundings } from './surroundings.js';

/** How one command line went. */
export interface Ran {
  readonly exit: ExitCode;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface TerminalOptions {
  /** Whether a person sits there. */
  readonly tty?: boolean;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  /** What the person types, question by question. */
  readonly types?: readonly string[];
  readonly now?: Date;
  readonly interrupted?: AbortSignal;
}

/** A person's machine: a home folder of its own, and a terminal, or none. */
export class Terminal {
  readonly home = mkdtempSync(join(tmpdir(), 'slipway-cli-'));
  /** What was asked. */
  readonly questions: string[] = [];

  /** A path in the home folder. */
  at(...path: string[]): string {
    return join(this.home, ...path);
  }

  async run(
    argv: readonly string[],
    { tty = false, env = {}, stdin = '', types = [], now, interrupted }: TerminalOptions = {},
  ): Promise<Ran> {
    const written = { out: '', err: '' };
    const answers = [...types];
    const sink = (to: 'out' | 'err'): Sink => ({
      isTerminal: tty,
      columns: tty ? 100 : undefined,
      write: (text) => {
        written[to] += text;
      },
    });
    const around: Surroundings = {
      env: { HOME: this.home, SLIPWAY_DATA_DIR: this.at('data'), ...env },
      home: this.home,
      stdin: {
        isTerminal: tty,
        read: () => Promise.resolve(stdin),
        ask: (question) => {
          this.questions.push(question);
          return Promise.resolve(answers.shift() ?? '');
        },
      },
      stdout: sink('out'),
      stderr: sink('err'),
      now: () => now ?? new Date(),
      interrupted: interrupted ?? new AbortController().signal,
    };
    const exit = await run(argv, around);
    return { exit, ...written, json: () => JSON.parse(written.out) };
  }

  clear(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
