import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pause } from '../../../tools/parts/until.ts';
import { memorySettings } from '../../../tools/suite/memory.ts';
import { armedFile, heldFile, killedFile, lotFile, passedFile } from './files.ts';

/** A process passed a point. */
export interface Pass {
  readonly point: string;
  /** Milliseconds by the machine's monotonic clock. */
  readonly at: number;
  readonly pid: number;
}

/** A process that stands at a point: what comes after it has not happened yet. */
export interface Held extends Pass {
  /** Ids of the rows it is about: what it claimed. */
  readonly about: readonly string[];
  /** Lets it go on; by itself it does after three seconds. */
  release(): Promise<void>;
  /** Whether what it had asked for at this point was answered since. */
  answered(): Promise<boolean>;
}

/** A point's name, taken apart. */
export interface Point {
  readonly service: string;
  readonly what: string;
  readonly moment: string;
}

/** @throws Error where it is no point's name. */
export function readPoint(name: string): Point {
  const [service, what, moment] = name.split(' · ');
  if (!service || !what || !moment) throw new Error(`${name} names no point: service · what · moment`);
  return { service, what, moment };
}

const holdLookMs = 10;

/** What the runner and the modules preloaded into the services tell each other, by files in a folder of theirs. */
export class Board {
  readonly #read = new Map<string, number>();

  constructor(private readonly folder: string) {}

  /** Variables every service is started with, so that its points are seen. */
  get settings(): Record<string, string> {
    const preload = pathToFileURL(join(import.meta.dirname, 'preload.ts')).href;
    return { SLIPWAY_CRASH_POINTS: this.folder, NODE_OPTIONS: `${memorySettings.NODE_OPTIONS} --import=${preload}` };
  }

  /** With these as well, what a service does hourly it does every few seconds. */
  readonly hastened: Record<string, string> = { SLIPWAY_CRASH_HASTENED: '1' };

  /** The next process that comes to this point ends there by SIGKILL. */
  async arm(point: string): Promise<void> {
    await this.armOneOf([point]);
  }

  /** The next process that comes to any of these ends there: one process, and the others pass. */
  async armOneOf(points: readonly string[]): Promise<void> {
    const lot = lotFile(points);
    await writeFile(join(this.folder, lot), '');
    await Promise.all(points.map((point) => writeFile(join(this.folder, armedFile(point)), lot)));
  }

  /** Waits until a process comes to one of these points, and holds it there; undefined where none came in time, or there is no such point. */
  async hold(points: readonly string[], within: number, signal: AbortSignal): Promise<Held | undefined> {
    if (points.length === 0) return undefined;
    const [lot, held] = [lotFile(points), heldFile(points)];
    const file = join(this.folder, held);
    await rm(file, { force: true });
    await writeFile(join(this.folder, lot), held);
    await Promise.all(points.map((point) => writeFile(join(this.folder, armedFile(point)), lot)));
    const here = async () => JSON.parse(await readFile(file, 'utf8').catch(() => 'null')) as (Pass & { about: string[] }) | null;
    let found = await here();
    for (const end = performance.now() + within; found === null && performance.now() < end && !signal.aborted; found = await here())
      await pause(holdLookMs);
    await this.disarmAll(points);
    found ??= await here();
    if (found === null) return undefined;
    const pass = found;
    return { ...pass, release: () => rm(file, { force: true }), answered: () => this.#answered(pass) };
  }

  async #answered({ point, pid, at }: Pass): Promise<boolean> {
    const { service, what } = readPoint(point);
    const text = await readFile(passedFile(this.folder, service, pid), 'utf8').catch(() => '');
    const passes = text.split('\n').map((line) => passOf(line, pid));
    return passes.some((pass) => pass.at >= at && pass.point === `${service} · ${what} · answered, not recorded`);
  }

  async disarmAll(points: readonly string[]): Promise<void> {
    await Promise.all([lotFile(points), ...points.map(armedFile)].map((name) => rm(join(this.folder, name), { force: true })));
  }

  async disarm(point: string): Promise<void> {
    await this.disarmAll([point]);
  }

  /** Every process that ended at an armed point. */
  async killed(): Promise<Pass[]> {
    const text = await readFile(killedFile(this.folder), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Pass);
  }

  /** What was passed since the last time this was asked, in order of time. */
  async news(): Promise<Pass[]> {
    const passes: Pass[] = [];
    for (const name of await readdir(this.folder)) {
      const pid = /^passed-.*-(\d+)$/.exec(name)?.[1];
      if (pid !== undefined) for (const line of await this.#linesOf(join(this.folder, name))) passes.push(passOf(line, Number(pid)));
    }
    return passes.sort((one, other) => one.at - other.at);
  }

  /** Whole lines that were added. */
  async #linesOf(path: string): Promise<string[]> {
    const from = this.#read.get(path) ?? 0;
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size === from) return [];
      const { buffer } = await file.read({ buffer: Buffer.alloc(size - from), position: from });
      const whole = buffer.lastIndexOf('\n') + 1;
      this.#read.set(path, from + whole);
      return buffer.toString('utf8', 0, whole).split('\n').filter(Boolean);
    } finally {
      await file.close();
    }
  }
}

function passOf(line: string, pid: number): Pass {
  const [at = '', point = ''] = line.split('\t');
  return { at: Number(at), point, pid };
}
