import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '@slipway/testkit';

const root = join(import.meta.dirname, '../..');

/** A program on a terminal (util-linux' `script` makes it), and the person in front of it. */
export interface Terminal {
  /** All that was shown so far, without colours. */
  readonly shown: string;
  /** Waits until this was shown, after what was waited for before; gives what matched. Fails at once where the program ends without. */
  sees(what: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** Types, as keys; `\u0003` is Ctrl-C. */
  types(keys: string): void;
  /** Waits for its end; gives the exit code. */
  ended(withinMs?: number): Promise<number>;
  /** Makes it end, where a test failed in the middle. */
  close(): Promise<void>;
}

/** Keys a person has. */
export const keys = { ctrlC: '\u0003', enter: '\r' } as const;

/** How a program that was asked to end by Ctrl-C ends: well; npm, which got the same Ctrl-C, may say 130 of it all the same. */
export const endedByCtrlC = [0, 130];

/** Runs a command at a terminal; `command` is the test's own words. */
export function atTerminal(command: string, env: NodeJS.ProcessEnv): Terminal {
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', `exec ${command}`, '/dev/null'], {
    cwd: root,
    env: { ...env, TERM: 'xterm', NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let read = 0;
  let code: number | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += withoutControls(text);
  });
  child.once('close', (ended, signal) => {
    code = ended ?? (signal === null ? 1 : 128);
  });
  const sees = async (what: RegExp, withinMs = 120_000): Promise<RegExpExecArray> => {
    const look = (): RegExpExecArray | false => what.exec(shown.slice(read)) ?? false;
    const found = await eventually(() => look() || code !== undefined, { within: withinMs, every: 100 });
    if (found === true) throw new Error(`it ended with ${code} before it showed ${what}:\n${shown.slice(-3000)}`);
    const match = look() as RegExpExecArray;
    read += match.index + match[0].length;
    return match;
  };
  const ended = async (withinMs = 120_000): Promise<number> => {
    const end = await eventually(() => code !== undefined && { code }, { within: withinMs, every: 100 });
    return end.code;
  };
  return {
    get shown() {
      return shown;
    },
    sees,
    ended,
    types: (typed) => void child.stdin.write(typed),
    close: async () => {
      if (code !== undefined) return;
      child.stdin.write(keys.ctrlC);
      await ended(60_000).catch(() => child.kill('SIGKILL'));
    },
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is sent to paint with
const controls = /\u001b\[[0-9;?]*[A-Za-z]|\r/g;

function withoutControls(text: string): string {
  return text.replace(controls, '');
}
