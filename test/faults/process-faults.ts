import { type Service, services } from '@slipway/contracts';
import type { Board } from './crash/board.ts';
import { now } from './crash/files.ts';
import type { Chance, Fault, FaultContext, FaultKind, FaultyParts, Replica, Sufferer } from './fault.js';

/** Whose faults may go on while a process is hurt: all but another process's, or nobody could tell what came of which. */
const others: readonly Sufferer[] = ['postgres', 'kafka', 'docker', 'registry', 'network', 'clock'];
const readyMs = 60_000;
/** Many points are passed once in a while only: of several one is. */
const pointsAtOnce = 6;
/** What a service has from SIGTERM to its end. */
export const drainMs = 10_000;

/** A service was killed at this moment (`now()`), all of its replicas or some. */
export interface Killed {
  readonly service: Service;
  readonly at: number;
  readonly whole: boolean;
}

export interface ProcessFaultsWish {
  readonly replicas: number;
  readonly points: readonly string[];
  readonly board: Board;
  readonly parts: Pick<FaultyParts, 'killAll' | 'startAll'>;
  /** Told of every kill, so that the recovery can be measured. */
  readonly killed: (kill: Killed) => void;
}

/** What can be done to the processes of the suite. */
export function processFaults(wish: ProcessFaultsWish): FaultKind[] {
  return [
    replicaKilled(wish),
    serviceKilled(wish),
    stopped(wish),
    drained(wish),
    rolling(wish),
    atAPoint(wish),
    allKilled(wish),
    everythingKilled(wish),
  ];
}

function replicaKilled({ replicas, killed }: ProcessFaultsWish): FaultKind {
  return {
    name: 'replica killed',
    part: 'service',
    lasts: { least: 0, most: 0 },
    overlaps: others,
    weight: 5,
    make: (chance) => {
      const { service, number } = someReplica(chance, replicas);
      return over(`${service} ${number} is killed`, async ({ suite }) => {
        replicaOf(suite.replicas, service, number).send('SIGKILL');
        killed({ service, at: now(), whole: replicas === 1 });
      });
    },
  };
}

function serviceKilled({ killed }: ProcessFaultsWish): FaultKind {
  return {
    name: 'service killed',
    part: 'service',
    lasts: { least: 0, most: 0 },
    overlaps: others,
    weight: 3,
    make: (chance) => {
      const service = chance.one(services);
      return over(`every ${service} is killed`, async ({ suite }) => {
        for (const replica of suite.replicas) if (replica.service === service) replica.send('SIGKILL');
        killed({ service, at: now(), whole: true });
      });
    },
  };
}

/** Longer than any lease: what it still believes to own is somebody else's when it goes on. */
function stopped({ replicas }: ProcessFaultsWish): FaultKind {
  return {
    name: 'replica stopped past its lease',
    part: 'service',
    lasts: { least: 25, most: 40 },
    overlaps: others,
    weight: 3,
    make: (chance, seconds) => {
      const { service, number } = someReplica(chance, replicas);
      let hurt: Replica | undefined;
      return {
        name: `${service} ${number} stands still for ${seconds} s`,
        begin: async ({ suite }) => {
          hurt = replicaOf(suite.replicas, service, number);
          hurt.send('SIGSTOP');
        },
        end: async () => {
          hurt?.send('SIGCONT');
          await hurt?.ready(readyMs);
        },
      };
    },
  };
}

function drained({ replicas }: ProcessFaultsWish): FaultKind {
  return {
    name: 'replica drained',
    part: 'service',
    lasts: { least: 0, most: 0 },
    overlaps: ['docker', 'registry'],
    weight: 3,
    make: (chance) => {
      const { service, number } = someReplica(chance, replicas);
      return over(`${service} ${number} is asked to end`, ({ suite }) => drain(replicaOf(suite.replicas, service, number)));
    },
  };
}

function rolling({ replicas }: ProcessFaultsWish): FaultKind {
  return {
    name: 'rolling restart',
    part: 'service',
    lasts: { least: 15, most: 15 },
    overlaps: ['registry'],
    make: (chance) => {
      const service = chance.one(services);
      return over(`${service} is restarted, one replica after the other`, async ({ suite }) => {
        for (let number = 1; number <= replicas; number += 1) await drain(replicaOf(suite.replicas, service, number));
      });
    },
  };
}

function atAPoint({ points, board }: ProcessFaultsWish): FaultKind {
  return {
    name: 'killed at a crash point',
    part: 'service',
    lasts: { least: 8, most: 20 },
    overlaps: others,
    weight: points.length > 0 ? 6 : 0,
    make: (chance) => {
      const lot = Array.from({ length: pointsAtOnce }, () => chance.one(points));
      const name = `whoever comes first to one of ${pointsAtOnce} points is killed there: ${lot.join('; ')}`;
      return { name, begin: () => board.armOneOf(lot), end: () => board.disarmAll(lot) };
    },
  };
}

function allKilled({ killed }: ProcessFaultsWish): FaultKind {
  return {
    name: 'every service killed',
    part: 'service',
    lasts: { least: 0, most: 0 },
    overlaps: [],
    make: () =>
      over('every process of every service is killed', async ({ suite }) => {
        for (const replica of suite.replicas) replica.send('SIGKILL');
        for (const service of services) killed({ service, at: now(), whole: true });
      }),
  };
}

/** As when the power goes: what was not on disk is gone. */
function everythingKilled({ parts }: ProcessFaultsWish): FaultKind {
  return {
    name: 'everything killed at once',
    part: 'service',
    lasts: { least: 2, most: 8 },
    overlaps: [],
    make: (_, seconds) => ({
      name: `everything is killed, and back after ${seconds} s`,
      begin: async ({ suite }) => {
        for (const replica of suite.replicas) replica.send('SIGKILL');
        await parts.killAll();
      },
      end: () => parts.startAll(),
    }),
  };
}

/** SIGTERM, and back. @throws Error where it does not end by itself, with 0 and in time. */
async function drain(replica: Replica): Promise<void> {
  // One that was killed a moment ago is on its way back.
  await replica.ready(readyMs);
  const { restarts } = replica;
  const begun = now();
  const { ended } = replica;
  replica.send('SIGTERM');
  const { code, signal } = await ended;
  const tookMs = now() - begun;
  await replica.ready(readyMs);
  if (code !== 0 || tookMs > drainMs || replica.restarts === restarts)
    throw new Error(
      `${replica.service} ${replica.number} ended ${signal === null ? `with code ${code}` : `by ${signal}`} ${tookMs} ms after SIGTERM, not with 0 within ${drainMs} ms`,
    );
}

/** A fault that is over once it has begun. */
function over(name: string, begin: (context: FaultContext) => Promise<void>): Fault {
  return { name, begin, end: async () => {} };
}

function someReplica(chance: Chance, replicas: number): { service: Service; number: number } {
  return { service: chance.one(services), number: chance.whole(1, replicas) };
}

function replicaOf(all: readonly Replica[], service: Service, number: number): Replica {
  const found = all.find((each) => each.service === service && each.number === number);
  if (found === undefined) throw new Error(`${service} ${number} does not run`);
  return found;
}
