import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { memoryOf } from './program-memory.js';
import { SourceError, type SourceErrorReason } from './source-error.js';

/** One run of a program: an argument array, never a shell; a whole environment, nothing inherited. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
  readonly input?: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of standard output kept; more ends the program with `too-large`. */
  readonly maxOutput?: number | undefined;
  /** Bytes of memory that the program and all it starts may hold together; more ends them with `too-large`. */
  readonly maxMemory?: number | undefined;
  /** Asked twice a second; an answer ends the program, e.g. because a folder grew too large. */
  readonly watch?: (() => Promise<SourceError | undefined>) | undefined;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: Buffer;
  /** Its end only. */
  readonly stderr: string;
}

export interface Running {
  readonly stdout: Readable;
  /** Resolves when the program has ended by itself, fails with a SourceError when we ended it. */
  readonly finished: Promise<Omit<Finished, 'stdout'>>;
  stop(reason: SourceErrorReason, message: string): void;
}

const maxErrorText = 8_192;
/** How often the memory is looked at, in ms: a server can make Git take half a gigabyte a second. */
const memoryEveryMs = 200;

/** Starts a program in a process group of its own, so that its helpers (git-remote-https, ssh) end with it. */
export function startCommand(command: Command): Running {
  const child = spawn(command.file, [...command.args], {
    cwd: command.cwd,
    env: { ...command.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let stopped: SourceError | undefined;
  let errorText = '';
  const stopWith = (error: SourceError) => {
    stopped ??= error;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  const stop = (reason: SourceErrorReason, message: string) => stopWith(new SourceError(reason, message));
  const timer = setTimeout(() => stop('timeout', `gave up after ${Math.round(command.timeoutMs / 1000)} s`), command.timeoutMs);
  const onAbort = () => stop('cancelled', 'cancelled');
  command.signal?.addEventListener('abort', onAbort, { once: true });
  if (command.signal?.aborted) onAbort();
  const watching = command.watch ? watchEvery(500, command.watch, stopWith) : undefined;
  const { maxMemory = Number.POSITIVE_INFINITY } = command;
  const tooMuch = async () =>
    child.pid !== undefined && (await memoryOf(child.pid)) > maxMemory
      ? new SourceError('too-large', `${command.file} took more than ${Math.floor(maxMemory / 1024 ** 2)} MiB of memory`)
      : undefined;
  const watchingMemory = command.maxMemory === undefined ? undefined : watchEvery(memoryEveryMs, tooMuch, stopWith);
  child.stdin.on('error', () => undefined);
  child.stdin.end(command.input ?? '');
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errorText = (errorText + text).slice(-maxErrorText);
  });
  const finished = new Promise<Omit<Finished, 'stdout'>>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'ENOENT'
          ? new SourceError('errored', `${command.file} is not installed on this machine`)
          : new SourceError('errored', `${command.file} could not be started`, { cause }),
      );
    });
    child.once('close', (code) => (stopped ? reject(stopped) : resolve({ code, stderr: errorText })));
  }).finally(() => {
    clearTimeout(timer);
    clearInterval(watching);
    clearInterval(watchingMemory);
    command.signal?.removeEventListener('abort', onAbort);
  });
  finished.catch(() => undefined);
  return { stdout: child.stdout, finished, stop };
}

/** Runs a program to its end and keeps what it printed, within bounds. */
export async function runCommand(command: Command): Promise<Finished> {
  const maxOutput = command.maxOutput ?? 64 * 1024 * 1024;
  const running = startCommand(command);
  const chunks: Buffer[] = [];
  let size = 0;
  running.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutput) running.stop('too-large', `it answered more than ${maxOutput} bytes`);
    else chunks.push(chunk);
  });
  const { code, stderr } = await running.finished;
  return { code, stderr, stdout: Buffer.concat(chunks) };
}

function watchEvery(everyMs: number, watch: () => Promise<SourceError | undefined>, stop: (error: SourceError) => void): NodeJS.Timeout {
  let asking = false;
  return setInterval(() => {
    if (asking) return;
    asking = true;
    watch()
      .then((error) => error && stop(error))
      .catch(() => undefined)
      .finally(() => {
        asking = false;
      });
  }, everyMs);
}
