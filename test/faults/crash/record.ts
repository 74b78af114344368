import { pause } from '../../../tools/parts/until.ts';
import type { Lane } from '../load/lane.ts';
import { stories } from '../load/stories.ts';
import type { Board } from './board.ts';

/** By the name of each point that was passed: the names of the stories in which it was. */
export type Recorded = Readonly<Record<string, readonly string[]>>;

/** What follows a story's end is part of it: hand-offs that are answered, chains that are linked, people who are told. */
const afterwardsMs = 4_000;

/** Tells every story once, one after the other, and writes down every point the services pass meanwhile. */
export async function recordPoints(board: Board, lane: Lane, say: (text: string) => void): Promise<Recorded> {
  const passedIn = new Map<string, Set<string>>();
  await board.news();
  for (const { name, tell } of stories) {
    const begun = performance.now();
    await tell(lane);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    await pause(afterwardsMs);
    const points = new Set((await board.news()).map(({ point }) => point));
    const fresh = [...points].filter((point) => !passedIn.has(point)).length;
    for (const point of points) passedIn.set(point, (passedIn.get(point) ?? new Set()).add(name));
    say(`${name}: ${seconds} s, ${points.size} points, ${fresh} of them new`);
  }
  const sorted = [...passedIn].sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([point, names]) => [point, [...names]]));
}
