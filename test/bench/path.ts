import { byHand, stableSeconds } from './by-hand.ts';
import type { Place } from './place.ts';
import { type Figure, interleave, median } from './rounds.ts';
import { openShop } from './shop.ts';

/** The stable windows on the way, the same on both sides: one in test, one in pre-release, two for production's two instances. */
const windowsSeconds = 4 * stableSeconds;

/** PB1: from the push of a commit until its release serves in production, let in by policy, against a shell script that goes the same way. */
export async function measurePath(place: Place, wish: { rounds: number; tell: (text: string) => void }): Promise<Figure> {
  const shop = await openShop(place);
  const script = await byHand(place);
  let last = 0;
  const rounds = await interleave(
    wish.rounds,
    {
      baseline: async () => {
        last += 1;
        await shop.commit(last);
        return (await script.walk(shop.source.url, `data-commit="${last}"`)) / 1000;
      },
      suite: async () => {
        last += 1;
        return (await shop.release(await shop.commit(last), last)) / 1000;
      },
    },
    wish.tell,
  );
  await shop.pollAsUsual();
  const added = rounds.map(({ suite, baseline }) => suite - baseline);
  const bare = rounds.map(({ suite, baseline }) => (suite - windowsSeconds) / (baseline - windowsSeconds));
  return {
    name: 'commit → production',
    unit: 's',
    baselineIs:
      'test/bench/walk.sh: clone, build, push; start, health check and swap in test (1 instance), pre-release (1) and production (2), same windows and limits',
    rounds,
    gate: { of: 'ratio', most: 1.5, aim: 1.1 },
    notes: [
      `Added time, median ${median(added).toFixed(2)} s, at most ${Math.max(...added).toFixed(2)} s`,
      `Both sides hold ${windowsSeconds} s of stable windows; without them the ratio is ${median(bare).toFixed(2)}`,
      'A tiny image FROM scratch, so nearly all is overhead; a real build makes both sides longer by the same',
    ],
  };
}
