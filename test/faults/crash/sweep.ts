import { until } from '../../../tools/parts/until.ts';
import type { Lane } from '../load/lane.ts';
import { stories } from '../load/stories.ts';
import { type Board, readPoint } from './board.ts';
import { Passes } from './passes.ts';
import type { Recorded } from './record.ts';
import { progressAfter } from './recovery.ts';

/** What became of one kill at one point. */
export interface Kill {
  readonly point: string;
  readonly story: string;
  /** `arrived`: killed, and the release came to the same end all the same. `not reached`: nobody came by, though the stories were told. */
  readonly end: 'arrived' | 'lost' | 'not reached';
  /** From the kill to the service's next new progress, in ms. */
  readonly progressMs?: number | undefined;
  readonly why?: string | undefined;
}

export interface SweepWish {
  readonly board: Board;
  readonly lanes: readonly Lane[];
  readonly recorded: Recorded;
  readonly points: readonly string[];
  readonly say: (text: string) => void;
  readonly stillWorthIt: () => void;
  /** Resolves when the killed service's processes are all back. */
  readonly back: (service: string) => Promise<void>;
  /** No further point is armed from then on (`performance.now()`). */
  readonly until: number;
}

const mostTellings = 2;
/** How long is waited for the progress of a service that was killed. */
const progressMs = 30_000;

/**
 * Arms one point after the other and drives a release past each, on several projects side by side; of one service only one point is armed at a time. What
 * each story ends with must come all the same.
 */
export async function sweep(wish: SweepWish): Promise<Kill[]> {
  const left = [...wish.points];
  const busy = new Set<string>();
  const kills: Kill[] = [];
  const passes = new Passes(wish.board, 600_000);
  const work = async (lane: Lane): Promise<void> => {
    while (left.length > 0 && performance.now() < wish.until) {
      wish.stillWorthIt();
      const at = left.findIndex((point) => !busy.has(readPoint(point).service));
      if (at < 0) return;
      const [point] = left.splice(at, 1) as [string];
      const { service } = readPoint(point);
      busy.add(service);
      const kill = await killAt(point, lane, wish, passes);
      kills.push(kill);
      const took = kill.progressMs === undefined ? '' : `, new progress after ${(kill.progressMs / 1000).toFixed(1)} s`;
      wish.say(`${kills.length} of ${wish.points.length}: ${point}: ${kill.end}${took}${kill.why === undefined ? '' : ` (${kill.why})`}`);
      busy.delete(service);
    }
  };
  // A lane that found every service busy ends; the others go on until nothing is left.
  await Promise.all(wish.lanes.map(work));
  return kills;
}

async function killAt(point: string, lane: Lane, { board, recorded, back, stillWorthIt }: SweepWish, passes: Passes): Promise<Kill> {
  const told = stories.find(({ name }) => name === recorded[point]);
  if (told === undefined) throw new Error(`no story passes ${point}: npm run faults -- --record`);
  for (let telling = 1; telling <= mostTellings; telling += 1) {
    await board.arm(point);
    const why = await told.tell(lane).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    stillWorthIt();
    await board.disarm(point);
    const killed = (await board.killed()).findLast((each) => each.point === point);
    if (killed === undefined && why === undefined) continue;
    if (killed === undefined) return { point, story: told.name, end: 'lost', why: `nobody was killed, and yet: ${why}` };
    await back(readPoint(point).service);
    // Its story may have been over before: what the kill left undone is done all the same.
    const progress = await until('its next progress', async () => progressAfter(killed, await passes.all()), {
      within: progressMs,
      every: 200,
      stillWorthIt,
    }).catch(() => undefined);
    stillWorthIt();
    const tookMs = progress && progress.at - killed.at;
    return { point, story: told.name, end: why === undefined ? 'arrived' : 'lost', progressMs: tookMs, why };
  }
  return { point, story: told.name, end: 'not reached' };
}
