import { messageOf, pause } from '../../../tools/parts/until.ts';
import type { Lane } from '../load/lane.ts';
import { stories } from '../load/stories.ts';
import { isOneOf } from '../options.ts';
import type { Board } from './board.ts';

/** By the name of each point that was passed: the first story in which it was. */
export type Recorded = Readonly<Record<string, string>>;

/** What follows a story's end is part of it: hand-offs that are answered, chains that are linked, people who are told. */
const afterwardsMs = 4_000;

/**
 * Tells every story whose name has `only` in it once, one after the other, and writes down every point the services pass meanwhile. Of what was known before
 * it keeps what stories pass that were not told, or did not come to their end; `failed` names these.
 */
export async function recordPoints(
  board: Board,
  lane: Lane,
  { only, known, say }: RecordWish,
): Promise<{ readonly recorded: Recorded; readonly failed: readonly string[] }> {
  const told = stories.filter(({ name }) => isOneOf(only, name));
  const passedIn = new Map<string, string>();
  const failed: string[] = [];
  const names = new Set<string>();
  await board.news();
  for (const { name, tell } of told) {
    const begun = performance.now();
    const why = await tell(lane).then(
      () => undefined,
      (error: unknown) => messageOf(error),
    );
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    await pause(afterwardsMs);
    const points = new Set((await board.news()).map(({ point }) => point));
    if (why !== undefined) {
      failed.push(`${name}: ${why}`);
      say(`${name}: not told to its end: ${why}`);
      continue;
    }
    names.add(name);
    const fresh = [...points].filter((point) => !passedIn.has(point)).length;
    for (const point of points) if (!passedIn.has(point)) passedIn.set(point, name);
    say(`${name}: ${seconds} s, ${points.size} points, ${fresh} of them new`);
  }
  const kept = Object.entries(known).filter(([point, name]) => passedIn.has(point) || !names.has(name));
  const sorted = [...new Map([...passedIn, ...kept])].sort(([one], [other]) => (one < other ? -1 : 1));
  return { recorded: Object.fromEntries(sorted), failed };
}

export interface RecordWish {
  /** Of all stories those whose name has this in it. */
  readonly only: string;
  readonly known: Recorded;
  readonly say: (text: string) => void;
}
