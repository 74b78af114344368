import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { DataDir } from './data-dir.ts';
import { pause, tailOf } from './until.ts';

/** A process to start for as long as we live. */
export interface ProcessSpec {
  /** Names its log and its record: letters, digits and dashes. */
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Whom to run it as; only root may say so. */
  user?: { uid: number; gid: number };
  /** How it is asked to stop; SIGTERM by default. */
  stopSignal?: NodeJS.Signals;
  /** Milliseconds it gets to stop before SIGKILL; 10 000 by default. */
  graceMs?: number;
}

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process we started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, whoever ended it. */
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  /** Throws, with the end of its log, when it is no longer running. */
  assertRunning(): void;
  /** Asks it to stop, then makes it. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** What is written down of a process, so that the next start can find one that a kill -9 left behind. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** Start time in clock ticks since boot: together with the pid it names one process for ever. Undefined where there is no /proc. */
  startTicks: string | undefined;
  stopSignal: NodeJS.Signals;
}

/**
 * Starts a process in a session of its own, so that Ctrl-C in the terminal reaches only us and parts are stopped in order. Where the system can
 * (setpriv of util-linux), it gets its stop signal by itself when we die without having been able to stop it.
 */
export async function startProcess(dataDir: DataDir, spec: ProcessSpec): Promise<Child> {
  const { name, stopSignal = 'SIGTERM', graceMs = 10_000 } = spec;
  const logFile = join(dataDir.logs, `${name}.log`);
  const log = openSync(logFile, 'a');
  const [command, ...args] = commandLine(spec, stopSignal);
  const child = spawn(command as string, args, {
    cwd: spec.cwd,
    env: spec.env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    const ended = (result: Exit): void => {
      exit ??= result;
      resolve(exit);
    };
    child.once('exit', (code, signal) => ended({ code, signal }));
    child.once('error', () => ended({ code: 127, signal: null }));
  });
  if (child.pid === undefined) throw new Error(`${name}: ${spec.command} could not be started`);
  const pid = child.pid;
  const recordFile = join(dataDir.run, `${name}.json`);
  const record: ProcessRecord = { name, pid, startTicks: startTicksOf(pid), stopSignal };
  await writeFile(recordFile, JSON.stringify(record));
  const assertRunning = (): void => {
    if (exit === undefined) return;
    const how = exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`;
    throw new Error(`${name} ended ${how}; the end of ${logFile}:\n${indent(lastLines(logFile))}`);
  };
  const stop = async (): Promise<void> => {
    if (exit === undefined) {
      child.kill(stopSignal);
      const forced = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(forced);
    }
    await rm(recordFile, { force: true });
  };
  return {
    name,
    pid,
    logFile,
    exited,
    assertRunning,
    stop,
    get running() {
      return exit === undefined;
    },
  };
}

/** Ends a process that an earlier run left behind, if the pid still is that very process. Gives true when there was one. */
export async function endLeftover(record: ProcessRecord): Promise<boolean> {
  if (!isAlive(record)) return false;
  send(record.pid, record.stopSignal);
  for (let waited = 0; waited < 10_000; waited += 100) {
    if (!isAlive(record)) return true;
    await pause(100);
  }
  send(record.pid, 'SIGKILL');
  for (let waited = 0; waited < 5_000 && isAlive(record); waited += 100) await pause(100);
  return true;
}

/** True when the process written down still runs. Without a start time a pid alone proves nothing, so the answer is no. */
export function isAlive({ pid, startTicks }: Pick<ProcessRecord, 'pid' | 'startTicks'>): boolean {
  return startTicks !== undefined && startTicksOf(pid) === startTicks;
}

/** When a process started, in clock ticks since boot; undefined when there is no such process (or it is a zombie). */
export function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Where a command is on PATH (with the sbin folders, which a plain user's PATH lacks); undefined when it is not installed. */
export function findCommand(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** The last lines a process wrote, for an error message. */
export async function explain(child: Child): Promise<string> {
  return indent(await tailOf(child.logFile));
}

function commandLine(spec: ProcessSpec, stopSignal: NodeJS.Signals): string[] {
  const setpriv = process.platform === 'linux' ? findCommand('setpriv') : undefined;
  if (setpriv === undefined) {
    if (spec.user !== undefined) throw new Error(`${spec.name}: setpriv (package util-linux) is needed to run it as another user`);
    return [spec.command, ...spec.args];
  }
  const asUser = spec.user === undefined ? [] : ['--reuid', String(spec.user.uid), '--regid', String(spec.user.gid), '--clear-groups'];
  return [setpriv, '--pdeathsig', stopSignal.replace(/^SIG/, ''), ...asUser, '--', spec.command, ...spec.args];
}

function lastLines(file: string): string {
  if (!existsSync(file)) return '(no log)';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone in the meantime
  }
}

/** Reads a process record; undefined when the file is no such record. */
export async function readRecord(file: string): Promise<ProcessRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(file, 'utf8')) as ProcessRecord;
    return typeof record.pid === 'number' && typeof record.stopSignal === 'string' ? record : undefined;
  } catch {
    return undefined;
  }
}
