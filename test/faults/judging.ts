import { messageOf, until } from '../../tools/parts/until.ts';
import { type Canary, type History, type LoadLog, leftToDo, type PromiseNumber, type SuiteAt, Witness } from '../history/index.ts';
import type { PartsOfSuite, SuiteOfProcesses } from './a-suite-of-processes.js';

/** How long after the last fault everything may take to be said, read and done (promise 6). */
const drainMs = 60_000;
/** Longer than the sources of a run are polled apart: what was pushed last is told of by then, also where its webhook was turned away. */
const stillMs = 15_000;

/** Where the parts of a run are reached straight, past whatever stands in front of them for the services. */
export type Straight = Pick<PartsOfSuite, 'kafkaBrokers' | 'registry' | 'dockerHost'>;

/** Looks and listens from now on; before anything is deployed. */
export function witnessOf(suite: SuiteOfProcesses, { kafkaBrokers, registry, dockerHost }: Straight, title: string): Promise<Witness> {
  const { databaseUrl, topicPrefix, installation, environment } = suite;
  const at = { databaseUrl, kafkaBrokers, topicPrefix, dockerHost, registry };
  return Witness.start({ ...at, title, installation, trustFile: environment.trustFile });
}

/**
 * Waits until nothing is left to do, and for a while nothing comes. Gives how long it took since then until the last of it was done, in ms; undefined where
 * something still was a minute after, which is told.
 */
export async function drained(
  { databaseUrl, topicPrefix }: Pick<SuiteOfProcesses, 'databaseUrl' | 'topicPrefix'>,
  { kafkaBrokers }: Straight,
  { since, signal, say }: { readonly since: Date; readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<number | undefined> {
  let stillFrom: number | undefined;
  const isStill = async () => {
    const left = Object.entries(await leftToDo({ databaseUrl, kafkaBrokers, topicPrefix }));
    const at = Date.now();
    stillFrom = left.length > 0 ? undefined : (stillFrom ?? at);
    if (left.length > 0) throw new Error(left.map(([what, count]) => `${count} ${what}`).join(', '));
    return stillFrom !== undefined && at - stillFrom >= stillMs && stillFrom - since.getTime();
  };
  try {
    const within = since.getTime() + drainMs + stillMs - Date.now();
    return await until('nothing is left to do', isStill, { within, every: 500, stillWorthIt: () => signal.throwIfAborted() });
  } catch (error) {
    signal.throwIfAborted();
    say(messageOf(error));
    return undefined;
  }
}

/** What cannot be examined where no load client wrote down what it pushed, signed and was answered. */
export const notWithoutLoadLog: readonly PromiseNumber[] = [1];

/** What the runner itself knows. */
export interface Known {
  readonly load: LoadLog;
  readonly repositories: readonly { readonly project: string; readonly folder: string; readonly system?: 'git' | 'svn' }[];
  readonly canaries: readonly Canary[];
  readonly faultsEnded: Date;
}

/** All that happened, with what the suite shows and writes down. */
export async function historyOf(witness: Witness, suite: SuiteOfProcesses, known: Known): Promise<History> {
  return await witness.history({ ...known, suite: suiteAt(suite) });
}

/** Where its pages, its logs and its secrets are. */
export function suiteAt({ dataDir, replicas, environment, administratorToken }: SuiteOfProcesses): SuiteAt {
  return { dataDir: dataDir.path, urls: replicas.map(({ url }) => url), gatewayUrl: environment.gatewayUrl, token: administratorToken };
}
