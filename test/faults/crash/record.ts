import { pause } from '../../../tools/parts/until.ts';
import type { Lane } from '../load/lane.ts';
import { stories } from '../load/stories.ts';
import type { Board } from './board.ts';

/** By the name of each point that was passed: the first story in which it was. */
export type Recorded = Readonly<Record<string, string>>;

/** What follows a story's end is part of it: hand-offs that are answered, chains that are linked, people who are told. */
const afterwardsMs = 4_000;

/** Tells every story once, one after the other, and writes down every point the services pass meanwhile. */
export async function recordPoints(board: Board, lane: Lane, say: (text: string) => void): Promise<Recorded> {
  const passedIn = new Map<string, string>();
  await board.news();
  for (const { name, tell } of stories) {
    const begun = performance.now();
    await tell(lane);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    await pause(afterwardsMs);
    const points = new Set((await board.news()).map(({ point }) => point));
    const fresh = [...points].filter((point) => !passedIn.has(point)).length;
    for (const point of points) if (!passedIn.has(point)) passedIn.set(point, name);
    say(`${name}: ${seconds} s, ${points.size} points, ${fresh} of them new`);
  }
  return Object.fromEntries([...passedIn].sort(([one], [other]) => (one < other ? -1 : 1)));
}
