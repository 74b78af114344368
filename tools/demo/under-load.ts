import { type Demo, NotSeen } from './demo.ts';
import { type Lap, type Load, totalOf } from './load.ts';
import { waitFor } from './watch.ts';

/** Waits until clients of both kinds have seen a commit's page so many times more than now. */
export async function answeredBy(demo: Demo, commit: string, times = 50): Promise<void> {
  const kinds = (load: Load) => [load.withKeepAlive, load.withoutKeepAlive].map(({ byPage }) => byPage[commit] ?? 0);
  const before = kinds(loadOf(demo));
  const seen = async (): Promise<boolean> => kinds(loadOf(demo)).every((count, kind) => count >= (before[kind] ?? 0) + times);
  await waitFor(demo, `clients to see commit ${commit}`, seen, 30_000);
}

/** What clients saw since the last step, in words; throws when any request failed: nobody who asks production may notice what this step did. */
export function noneFailed(demo: Demo): string {
  const { answered, failed, failures } = loadOf(demo).lap();
  if (failed > 0) throw new NotSeen(`${failed} of ${answered + failed} requests failed: ${failures.join('; ')}`);
  return `${answered} requests answered, 0 failed`;
}

/** What clients saw since the last step, where some may have been cut off. */
export function lapOf(demo: Demo): Lap {
  return loadOf(demo).lap();
}

/** Stops the clients; gives all they saw since their start, in words. */
export async function allTold(demo: Demo): Promise<string> {
  const load = loadOf(demo);
  await load.stop();
  const { answered, failed } = totalOf(load);
  const kinds = `${load.withKeepAlive.answered} with keep-alive, ${load.withoutKeepAlive.answered} without`;
  return `in all ${answered} requests answered (${kinds}), ${failed} failed${failed > 0 ? ', all of them when a container was killed' : ''}`;
}

function loadOf({ load }: Demo): Load {
  if (load === undefined) throw new NotSeen('no clients were asking');
  return load;
}
