import type { Service } from '@slipway/contracts';
import type { DataDir } from '../../tools/parts/data-dir.ts';
import type { PartsOfSuite } from './a-suite-of-processes.js';

/** What a fault is done to. */
export const sufferers = ['service', 'postgres', 'kafka', 'docker', 'registry', 'network', 'clock', 'disk'] as const;
export type Sufferer = (typeof sufferers)[number];

/** One fault, once: `begin` does it, `end` takes it back. `end` is always called, once, also where `begin` failed or the run is interrupted. */
export interface Fault {
  /** Tells in a few words what is done to whom, e.g. `image-builder 2 is stopped for 14 s`. */
  readonly name: string;
  /** Resolves once it is done: what lasts stays until `end`. */
  begin(context: FaultContext): Promise<void>;
  /** Resolves once it is taken back and what suffered from it can work again (a broker answers, a process runs). */
  end(): Promise<void>;
  /** After `end`: how often it met the work it is meant to meet (questions cut off, answers lost, statements refused, leases taken over), counted where it was done. 0: nobody noticed; undefined: it cannot be counted. */
  hurt?(): number | undefined;
}

/** What a fault finds when it begins. */
export interface FaultContext {
  /** For the log of the run. */
  say(text: string): void;
  /** Aborted when the run is asked to end: whoever waits in `begin` gives up. */
  readonly signal: AbortSignal;
  readonly suite: FaultySuite;
  /**
   * Waits until a process comes to a crash point whose name fits, and holds it there for as long as it is not let go, three seconds at most: what is done meanwhile is done in
   * the middle of that work. Undefined where nobody came within so many ms.
   */
  hold(points: RegExp, within: number): Promise<Held | undefined>;
}

/** A process that stands at a crash point: what comes after it has not happened yet. */
export interface Held {
  readonly point: string;
  readonly pid: number;
  /** Ids of the operations it has claimed just now. */
  readonly about: readonly string[];
  release(): Promise<void>;
  /** Whether what it had asked for was answered since. */
  answered(): Promise<boolean>;
}

/** One kind of fault of the catalogue; what it does exactly is chosen by the seed. */
export interface FaultKind {
  /** Its name in plans and reports, for ever the same, e.g. `broker killed`. */
  readonly name: string;
  /** Which real thing suffers. */
  readonly part: Sufferer;
  /** Whole seconds between `begin` and `end`; 0 and 0 where it is over at once. */
  readonly lasts: { readonly least: number; readonly most: number };
  /** Which others may suffer at the same time: whose kinds may overlap with this one. A kind never overlaps with one of its own part unless it names it. */
  readonly overlaps: readonly Sufferer[];
  /** How often it is chosen against others; 1 where it is not said. */
  readonly weight?: number;
  /** One such fault. Everything left to chance is asked of `chance` here, nothing later: the same seed gives the same fault. */
  make(chance: Chance, seconds: number): Fault;
}

/** Chance that comes from the seed. */
export interface Chance {
  /** A whole number, both ends included. */
  whole(least: number, most: number): number;
  /** One of these. @throws Error on none. */
  one<T>(of: readonly T[]): T;
}

/** A process that runs a service, and is started again whenever it ends. */
export interface Replica {
  readonly service: Service;
  /** From 1. */
  readonly number: number;
  readonly pid: number;
  readonly url: string;
  /** How often it was started again. */
  readonly restarts: number;
  /** How the process that runs now ends, once it does. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Sends a signal: SIGKILL, SIGTERM, SIGSTOP, SIGCONT. False where nobody is there to get it: the one that ended is not replaced yet. */
  send(signal: NodeJS.Signals): boolean;
  /** Resolves when it says that it is ready. @throws Error naming what it still waits for. */
  ready(within: number): Promise<void>;
}

/** The running suite, as far as faults see it. */
export interface FaultySuite {
  readonly replicas: readonly Replica[];
  readonly topicPrefix: string;
  /** As an administrator of Postgres, past whatever stands in front of it. */
  readonly databaseUrl: string;
  /** The folder of the services' logs. */
  readonly logs: string;
}

/** The real parts a suite is run on, each of which can be hurt. */
export interface FaultyParts {
  /** What the services are given. */
  readonly parts: PartsOfSuite;
  /** Straight to the same parts, for the load, the witness and the judge: no fault but the end of the part itself is in this way. */
  readonly straight: PartsOfSuite;
  /** The server of `straight`: the suite's database is made there. */
  readonly databaseUrl: string;
  /**
   * Variables each replica is started with over those it would have (`usual`, complete: DATABASE_URL, KAFKA_BROKERS, DOCKER_HOST …): the ways of this service alone,
   * so that it can be cut off alone, and a preloaded library that lets its clock jump.
   */
  settings(service: Service, replica: number, usual: Readonly<Record<string, string>>): Record<string, string>;
  /** Every kind of fault these parts can suffer. */
  readonly kinds: readonly FaultKind[];
  /** Kinds that cannot be had on this machine, each with the reason. */
  readonly missing: readonly string[];
  /** kill -9 to all of these at once, and their return: for what kills everything. */
  killAll(): Promise<void>;
  startAll(): Promise<void>;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

/**
 * The first thing `main.ts` does is `const ended = await inAWorldOfItsOwn(); if (ended !== undefined) process.exit(ended);` (test/faults/parts/own-world.ts): as root that fetches
 * what needs the network and runs the same program again in a network and a table of mounts of its own, where a Docker Engine of our own disturbs nobody.
 *
 * How `test/faults/parts/index.ts` starts them: it exports `startFaultyParts` of this type. What it needs on disk lies in `dataDir`, which the runner removes. */
export type StartFaultyParts = (wish: { dataDir: DataDir; say: (text: string) => void; signal: AbortSignal }) => Promise<FaultyParts>;
