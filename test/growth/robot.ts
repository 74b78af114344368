import { pause } from '../../tools/parts/until.ts';
import { inBatches } from './batches.ts';
import type { Fleet } from './fleet.ts';

/** What somebody saw of the gateway, in ms a call. */
export interface Calls {
  readonly list: number[];
  readonly sign: number[];
  /** Calls that were not answered, or not with a yes. */
  readonly failed: string[];
}

const everyMs = 500;
const atOnce = 4;

/** An operator that looks at what waits for a signature and signs it all, over the API, until told to stop. */
export function robotOperator({ operator, seen }: Fleet): { calls: Calls; stop(): Promise<void> } {
  const calls: Calls = { list: [], sign: [], failed: [] };
  let stopping = false;
  const timed = async <T>(into: number[], call: () => Promise<T>): Promise<T | undefined> => {
    const begun = performance.now();
    try {
      const answer = await call();
      into.push(performance.now() - begun);
      return answer;
    } catch (error) {
      calls.failed.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const work = async () => {
    const signed = new Set<string>();
    while (!stopping) {
      const page = await timed(calls.list, () => operator.listApprovals({ query: { mine: 'true', state: 'open', limit: 100 } }));
      const fresh = (page?.items ?? []).filter(({ request }) => !signed.has(request));
      await inBatches(fresh, atOnce, async ({ request: id }) => {
        const asked = new Date().toISOString();
        const done = await timed(calls.sign, () => operator.signOff({ params: { id }, body: { decision: 'approve' } }));
        if (!done) return;
        signed.add(id);
        seen.signedOff({ asked, request: id, person: 'the robot', decision: 'approve', status: 200, answer: JSON.stringify(done) });
      });
      if (fresh.length === 0) await pause(everyMs);
    }
  };
  const working = work();
  const stop = async () => {
    stopping = true;
    await working;
  };
  return { calls, stop };
}
