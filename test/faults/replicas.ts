import { type Service, services } from '@slipway/contracts';
import { until } from '../../tools/parts/until.ts';
import type { SuiteReplica } from '../../tools/suite/suite.ts';
import type { Chance, Replica, Sufferer } from './fault.js';

/** Whose faults may go on while a process is hurt: all but another process's, or nobody could tell what came of which. */
export const others: readonly Sufferer[] = ['postgres', 'kafka', 'docker', 'registry', 'network', 'clock'];

/** A running process of the suite, as faults see it. */
export function asReplica({ service, number, url, process: kept }: SuiteReplica): Replica {
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
      if (!kept.child.running) return false;
      process.kill(kept.child.pid, signal);
      return true;
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

/** One of them, by chance. */
export function someReplica(chance: Chance, replicas: number): { service: Service; number: number } {
  return { service: chance.one(services), number: chance.whole(1, replicas) };
}

/** @throws Error where there is none of that number. */
export function replicaOf(all: readonly Replica[], service: Service, number: number): Replica {
  const found = all.find((each) => each.service === service && each.number === number);
  if (found === undefined) throw new Error(`${service} ${number} does not run`);
  return found;
}
