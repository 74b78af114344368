import { until } from '../../tools/parts/until.ts';
import type { SuiteReplica } from '../../tools/suite/suite.ts';
import type { Replica } from './fault.js';

/** A running process of the suite, as faults see it. */
export function replicaOf({ service, number, url, process: kept }: SuiteReplica): Replica {
  return {
    service,
    number,
    url,
    get pid() {
      return kept.child.pid;
    },
    get restarts() {
      return kept.restarts;
    },
    get ended() {
      return kept.child.exited;
    },
    send: (signal) => {
      // The one that just ended has not been replaced yet: nobody is there to be hurt.
      if (kept.child.running) process.kill(kept.child.pid, signal);
    },
    ready: (within) => until(`${service} ${number} is ready`, () => isReady(url), { within }).then(() => undefined),
  };
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) });
  const said = await answer.text();
  if (answer.status !== 200) throw new Error(said.slice(0, 600));
  return true;
}
