import type { FaultKind, Sufferer } from '../fault.ts';
import type { HurtEngine } from './an-engine.ts';
import { aFault, blackHoled, poisoned } from './hurting.ts';
import { openThrough, type Ways } from './ways.ts';

/** What may suffer at the same time as the Docker Engine. */
const overlaps: readonly Sufferer[] = ['service', 'postgres', 'kafka'];
const part = 'docker';

/** Every fault of the Docker Engine (facts/reliability.md 1.6 D01, D02); one that is not ours is only reached badly. */
export function faultsOfDocker(engine: HurtEngine | undefined, ways: Ways): FaultKind[] {
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
  if (engine === undefined) return reachedBadly;
  const ended = (name: string, signal: 'SIGTERM' | 'SIGKILL', how: string): FaultKind => ({
    name,
    part,
    lasts: { least: 0, most: 15 },
    overlaps,
    make: (_, seconds) =>
      aFault({
        name: `Docker is ${how} and back after ${seconds} s`,
        begin: async () => {
          const open = await openThrough(proxies);
          await engine.end(signal);
          return open;
        },
        end: async () => void (await engine.start()),
      }),
  });
  return [...reachedBadly, ended('docker killed', 'SIGKILL', 'killed'), ended('docker stopped', 'SIGTERM', 'stopped with all containers')];
}
