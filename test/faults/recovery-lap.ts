import { cpus, loadavg } from 'node:os';
import { type Service, services } from '@slipway/contracts';
import { messageOf, pause } from '../../tools/parts/until.ts';
import type { SuiteOfProcesses } from './a-suite-of-processes.js';
import { now } from './crash/files.ts';
import type { Passes } from './crash/passes.ts';
import { hearingAfter, progressAfter } from './crash/recovery.ts';
import { Metronome } from './load/metronome.ts';

/** How long a killed service took to get on, with nothing else amiss and work waiting for it all the time. */
export interface Recovered {
  readonly service: Service;
  /** From the kill of all its processes to the first thing one of them commits or publishes, ms; undefined where it did not within a minute. */
  readonly progressMs: number | undefined;
  /** From the kill to the first event taken in after it. */
  readonly hearingMs: number | undefined;
  /** What waited for a processor meanwhile, by the machine's own average over a minute, per processor. */
  readonly load: number;
}

export interface LapWish {
  readonly suite: SuiteOfProcesses;
  readonly passes: Passes;
  /** Each service so often. */
  readonly rounds: number;
  /** Of an operator: who gives every service something to hear all the time. */
  readonly token: string;
  readonly project: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const mostMs = 60_000;
const readyMs = 90_000;
/** Between two kills: what the last one left undone is done. */
const settleMs = 3_000;
/** This often it is looked whether it got on. */
const lookEveryMs = 250;

/** Kills every process of one service after the other by SIGKILL, while people go on working, and measures how long it takes to get on. */
export async function recoveryLap(wish: LapWish): Promise<Recovered[]> {
  const { suite, rounds, signal, say } = wish;
  const metronome = new Metronome(suite, wish.token, wish.project);
  const recovered: Recovered[] = [];
  metronome.start();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const service of services) {
        const one = await recovery(service, wish);
        recovered.push(one);
        say(
          `every ${service} was killed: first progress after ${told(one.progressMs)}, first event taken in after ${told(one.hearingMs)}, load ${one.load.toFixed(1)}`,
        );
        signal.throwIfAborted();
      }
    }
  } finally {
    await metronome.stop();
  }
  return recovered;
}

async function recovery(service: Service, { suite, passes, signal, say }: LapWish): Promise<Recovered> {
  const replicas = suite.replicas.filter((replica) => replica.service === service);
  await Promise.all(suite.replicas.map((replica) => replica.ready(readyMs)));
  await pause(settleMs);
  for (const replica of replicas) replica.send('SIGKILL');
  const killed = { point: `${service} · somewhere · at any time`, at: now(), pid: 0 };
  for (;;) {
    signal.throwIfAborted();
    await pause(lookEveryMs);
    const all = await passes.all();
    const [progress, hearing] = [progressAfter(killed, all), hearingAfter(killed, all)];
    if (hearing === undefined && now() - killed.at < mostMs) continue;
    await Promise.all(replicas.map((replica) => replica.ready(readyMs))).catch((error: unknown) => say(messageOf(error)));
    return {
      service,
      progressMs: progress && progress.at - killed.at,
      hearingMs: hearing && hearing.at - killed.at,
      load: machineLoad(),
    };
  }
}

/** What waits for a processor, per processor, over the last minute. */
export function machineLoad(): number {
  return (loadavg()[0] ?? 0) / cpus().length;
}

function told(ms: number | undefined): string {
  return ms === undefined ? `more than ${mostMs / 1000} s` : `${(ms / 1000).toFixed(1)} s`;
}
