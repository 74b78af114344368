import { type Service, services } from '@slipway/contracts';
import type { Board } from './crash/board.ts';
import { now } from './crash/files.ts';
import type { Fault, FaultContext, FaultKind, FaultyParts, Replica } from './fault.js';
import { aFault } from './parts/hurting.ts';
import { others, replicaOf, someReplica } from './replicas.ts';
import { stopped } from './stopped-past-its-lease.ts';

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
        const hit = kill([replicaOf(suite.replicas, service, number)]);
        if (hit > 0) killed({ service, at: now(), whole: replicas === 1 });
        return hit;
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
        const hit = kill(suite.replicas.filter((replica) => replica.service === service));
        if (hit > 0) killed({ service, at: now(), whole: true });
        return hit;
      });
    },
  };
}

function drained({ replicas }: ProcessFaultsWish): FaultKind {
  return {
    name: 'replica drained',
    part: 'service',
    // Until it is ready again: what takes Kafka or Postgres from it meanwhile would be called its own slowness.
    lasts: { least: 15, most: 15 },
    overlaps: ['docker', 'registry'],
    weight: 3,
    make: (chance) => {
      const { service, number } = someReplica(chance, replicas);
      return over(`${service} ${number} is asked to end`, async ({ suite }) => {
        await drain(replicaOf(suite.replicas, service, number));
        return 1;
      });
    },
  };
}

function rolling({ replicas }: ProcessFaultsWish): FaultKind {
  return {
    name: 'rolling restart',
    part: 'service',
    // As long as it takes on a machine that has much to do: one after the other has to be ready again.
    lasts: { least: 45, most: 45 },
    overlaps: ['registry'],
    make: (chance) => {
      const service = chance.one(services);
      return over(`${service} is restarted, one replica after the other`, async ({ suite }) => {
        for (let number = 1; number <= replicas; number += 1) await drain(replicaOf(suite.replicas, service, number));
        return replicas;
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
      let before = 0;
      const dead = async () => (await board.killed()).filter(({ point }) => lot.includes(point)).length;
      return aFault({
        name,
        begin: async () => {
          before = await dead();
          await board.armOneOf(lot);
          return undefined;
        },
        end: async () => {
          await board.disarmAll(lot);
          return (await dead()) - before;
        },
      });
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
        const hit = kill(suite.replicas);
        for (const service of services) killed({ service, at: now(), whole: true });
        return hit;
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
    make: (_, seconds) =>
      aFault({
        name: `everything is killed, and back after ${seconds} s`,
        begin: async ({ suite }) => {
          const hit = kill(suite.replicas);
          await parts.killAll();
          return hit;
        },
        end: async () => void (await parts.startAll()),
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

/** A fault that is over once it has begun; gives how often it hurt. */
function over(name: string, begin: (context: FaultContext) => Promise<number>): Fault {
  return aFault({ name, begin });
}

/** kill -9; gives how many were there to be killed. */
function kill(replicas: readonly Replica[]): number {
  return replicas.filter((replica) => replica.send('SIGKILL')).length;
}
