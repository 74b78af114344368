import { Cleanup } from '../../tools/parts/cleanup.ts';
import { type Place, startBareNest, startServices } from './place.ts';
import { type Figure, interleave, median } from './rounds.ts';

/** PB5: from starting the processes to all services ready, one replica each, against one bare Nest process. */
export async function measureReady(
  place: Place,
  { rounds: count, tell }: { rounds: number; tell: (text: string) => void },
): Promise<Figure> {
  const each = new Map<string, number[]>();
  let first = 0;
  const rounds = await interleave(
    count,
    {
      baseline: async () => {
        const begun = performance.now();
        const bare = await startBareNest(place);
        const took = performance.now() - begun;
        await bare.stop();
        return took / 1000;
      },
      suite: async (round) => {
        const cleanup = new Cleanup();
        const begun = performance.now();
        try {
          await startServices(place, cleanup, (service, ms) => {
            if (round > 0) each.set(service, [...(each.get(service) ?? []), ms / 1000]);
          });
          const seconds = (performance.now() - begun) / 1000;
          if (round === 0) first = seconds;
          return seconds;
        } finally {
          await cleanup.run();
        }
      },
    },
    tell,
  );
  return {
    name: 'all services ready',
    unit: 's',
    baselineIs: 'one bare Nest process with the same clients; the suite is seven of its kind, started at once',
    rounds,
    gate: { of: 'suite', most: 15, aim: 6 },
    notes: [
      `Each service, median in s: ${[...each].map(([service, taken]) => `${service} ${median(taken).toFixed(1)}`).join(', ')}`,
      `The very first start, which makes schemas and topics: ${first.toFixed(1)} s`,
    ],
  };
}
