import { setTimeout as wait } from 'node:timers/promises';
import type { FaultKind, Sufferer } from '../fault.ts';
import type { HurtEngine } from './an-engine.ts';
import { aFault, blackHoled, poisoned } from './hurting.ts';
import type { Ways } from './ways.ts';

/** What may suffer at the same time as the Docker Engine. */
const overlaps: readonly Sufferer[] = ['service', 'postgres', 'kafka'];
const part = 'docker';

/** Every fault of the Docker Engine (facts/reliability.md 1.6 D01, D02); one that is not ours is only reached badly. */
export function faultsOfDocker(engine: Pick<HurtEngine, 'end' | 'start'> | undefined, ways: Pick<Ways, 'to'>): FaultKind[] {
  const proxies = ways.to('docker');
  const reachedBadly: FaultKind[] = [
    {
      name: 'docker hangs',
      part,
      lasts: { least: 10, most: 60 },
      overlaps,
      make: () => blackHoled('Docker takes connections and never answers', proxies),
    },
    {
      name: 'docker slow',
      part,
      lasts: { least: 10, most: 40 },
      overlaps,
      make: (chance) => {
        const latency = chance.whole(300, 2000);
        return poisoned(`answers of Docker take ${latency} ms more`, proxies, [
          { stream: 'downstream', toxic: { type: 'latency', attributes: { latency } } },
        ]);
      },
    },
  ];
  return engine === undefined ? reachedBadly : [...reachedBadly, ...Object.keys(works).map((work) => restarted(engine, work as Work))];
}

/** What the Engine is asked for, and at which crash points who asked waits for it. */
const works = {
  build: / · docker POST \/build · during the call$/,
  push: / · docker POST \/images\/\*\/push · during the call$/,
  deploy: / · docker POST \/containers\/(create|\*\/start) · during the call$/,
} as const;
type Work = keyof typeof works;
const kinds = Object.keys(works).map((work) => `docker restarted in a ${work}`);
/** How long it is waited for such work. */
const waitMs = 30_000;
/** An answer that was on its way has arrived by then. */
const answerMs = 300;

/** Kinds that need an Engine of our own. */
export const kindsOfOwnEngine: readonly string[] = kinds;

/** The Engine ends while somebody has just asked it for this: hurt is who did, and, where it was killed, never got an answer. */
function restarted(engine: Pick<HurtEngine, 'end' | 'start'>, work: Work): FaultKind {
  return {
    name: `docker restarted in a ${work}`,
    part,
    lasts: { least: 0, most: 15 },
    overlaps,
    make: (chance, seconds) => {
      const signal = chance.one(['SIGKILL', 'SIGTERM'] as const);
      const how = signal === 'SIGKILL' ? 'killed' : 'stopped with all containers';
      const later = chance.whole(0, 60);
      return aFault({
        name: `Docker is ${how} in the middle of a ${work} and back after ${seconds} s`,
        begin: async ({ hold, say }) => {
          const held = await hold(works[work], waitMs);
          if (held === undefined) say(`nobody asked Docker for a ${work}`);
          await wait(later);
          const ended = engine.end(signal);
          // One that stops in order may still answer who asked before, and takes its time.
          await Promise.race([ended, wait(answerMs)]);
          await held?.release();
          await ended;
          await wait(answerMs);
          return held !== undefined && (signal === 'SIGTERM' || !(await held.answered())) ? 1 : 0;
        },
        end: async () => void (await engine.start()),
      });
    },
  };
}
