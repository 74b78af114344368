import { homedir } from 'node:os';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Interrupted } from './exit.js';

/** All that the program touches of the process it runs in, so that tests can give it another. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly stdin: {
    readonly isTerminal: boolean;
    /** All of it; refuses more than a few megabytes. */
    read(): Promise<string>;
    /** Asks on the terminal and gives the line; what is typed is not shown when `hidden`. */
    ask(question: string, hidden?: boolean): Promise<string>;
  };
  readonly stdout: Sink;
  readonly stderr: Sink;
  now(): Date;
  /** Aborts with Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export interface Sink {
  readonly isTerminal: boolean;
  /** Characters a line has room for; undefined where it is no terminal. */
  readonly columns: number | undefined;
  write(text: string): void;
}

/** No project file and no export for a person's use comes near this. */
const mostInput = 64 * 1024 * 1024;

/** The process as it is. Ctrl-C ends it at once unless a command listens to `interrupted` to say a last word. */
export function processSurroundings(): Surroundings {
  const ending = new AbortController();
  process.once('SIGINT', () => ending.abort(new Interrupted('interrupted')));
  process.once('SIGTERM', () => ending.abort(new Interrupted('told to end')));
  // Whoever reads our output may stop reading (`| head`): that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    env: process.env,
    home: homedir(),
    stdin: {
      isTerminal: process.stdin.isTTY === true,
      read: readAll,
      ask: (question, hidden) => ask(question, hidden ?? false, ending.signal),
    },
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    now: () => new Date(),
    interrupted: ending.signal,
  };
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? stream.columns : undefined;
    },
    write: (text) => void stream.write(text),
  };
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Buffer);
    size += bytes.length;
    if (size > mostInput) throw new RangeError(`more than ${mostInput} bytes came from standard input`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function ask(question: string, hidden: boolean, signal: AbortSignal): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: hidden ? silent : process.stderr, terminal: true });
  process.stderr.write(hidden ? question : '');
  return new Promise((resolve, reject) => {
    const stop = () => {
      // Closing gives an answer too, an empty one: whoever comes first counts.
      reject(new Interrupted('interrupted'));
      lines.close();
    };
    lines.once('SIGINT', stop);
    signal.addEventListener('abort', stop, { once: true });
    lines.once('close', () => resolve(''));
    lines.question(hidden ? '' : question, (answer) => {
      signal.removeEventListener('abort', stop);
      resolve(answer);
      lines.close();
      if (hidden) process.stderr.write('\n');
    });
  });
}
