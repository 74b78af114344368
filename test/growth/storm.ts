import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Service, services } from '@slipway/contracts';
import { pause } from '../../tools/parts/until.ts';
import { type Finding, judge, type PromiseNumber, Witness } from '../history/index.ts';
import type { Ground } from './ground.ts';
import { judgeTarget, type TargetVerdict } from './judge-target.ts';
import { runSize, type SizeRun, type SizeWish } from './run-size.ts';

/** A fault of the storm. */
export interface Blow {
  /** Seconds since it began. */
  readonly s: number;
  readonly what: Service | 'the broker';
}

export interface Storm {
  readonly seed: number;
  readonly calm: SizeRun;
  readonly stormy: SizeRun;
  readonly blows: readonly Blow[];
  /** Releases a second in the storm to releases a second without. */
  readonly share: number;
  readonly target: TargetVerdict;
  /** What test/history says of the promises that do not end at the target. */
  readonly findings: readonly Pick<Finding, 'promise' | 'title' | 'state' | 'counts' | 'breaches' | 'unexamined'>[];
}

const everyMs = 5_000;
/** Promises 3, 4, 5 and 9 end at the target, of which Docker knows nothing here: judge-target.ts holds its own history against them. Of 7 see the attacks. */
const judgedByHistory: readonly PromiseNumber[] = [1, 2, 6, 8, 10, 11];
/** Up to the intent it is judged by the history; what Docker made by it is nothing here, and what came to the target judge-target.ts looks at. */
export const endsAtTheTarget: readonly PromiseNumber[] = [2];
const breachesKept = 20;
/** At this one the broker goes as well. */
const brokerAt = 4;

/** The same number of releases without and with faults, in one suite. */
export async function runStorm(wish: Omit<SizeWish, 'releases'>, { releases, seed }: { releases: number; seed: number }): Promise<Storm> {
  const witness = await witnessOf(wish.ground);
  const calm = await runSize({ ...wish, releases });
  const blows: Blow[] = [];
  const meanwhile = () => blowing(wish, seed, (blow) => blows.push(blow));
  const stormy = await runSize({ ...wish, releases, meanwhile });
  const faultsEnded = new Date();
  const target = await judgeTarget(wish.ground, wish.records);
  const findings = await findingsOf(wish, witness, faultsEnded).finally(() => witness.stop());
  return { seed, calm, stormy, blows, share: calm.sinceToldMs / stormy.sinceToldMs, target, findings };
}

async function findingsOf({ ground, fleet }: Pick<SizeWish, 'ground' | 'fleet'>, witness: Witness, faultsEnded: Date) {
  const folders = (await readdir(ground.repositories)).filter((name) => name.endsWith('.git'));
  const known = folders.map((name) => ({ project: name.slice(0, -'.git'.length), folder: join(ground.repositories, name) }));
  const { findings } = judge(await witness.history({ load: fleet.seen, repositories: known, faultsEnded }));
  return findings
    .filter(({ promise }) => judgedByHistory.includes(promise))
    .map(({ breaches, ...finding }) => ({ ...finding, breaches: breaches.slice(0, breachesKept) }));
}

function witnessOf({ parts, names, environment }: Ground): Promise<Witness> {
  const { postgres, kafka, registry, docker } = parts;
  return Witness.start({
    ...{ title: 'growth: the storm', databaseUrl: postgres.url, kafkaBrokers: kafka.url.split(','), ...names },
    ...{ dockerHost: docker.url, registry: registry.url, trustFile: environment.trustFile },
  });
}

/** A service is killed every 5 s, each once before any is killed again; and the broker once, beside that. */
function blowing({ ground, tell }: Omit<SizeWish, 'releases'>, seed: number, note: (blow: Blow) => void) {
  const begun = performance.now();
  const random = seeded(seed);
  const stop = new AbortController();
  const seconds = () => (performance.now() - begun) / 1000;
  const restartBroker = async () => {
    note({ s: seconds(), what: 'the broker' });
    await ground.restartBroker();
    tell('storm: the broker was restarted');
  };
  const blow = async () => {
    let round: Service[] = [];
    let broker: Promise<void> | undefined;
    for (let number = 1; ; number++) {
      await pause(everyMs);
      if (stop.signal.aborted) return await broker;
      if (number === brokerAt) broker = restartBroker();
      if (round.length === 0) round = [...services];
      const [victim] = round.splice(Math.floor(random() * round.length), 1);
      const kept = ground.processes.find(({ name }) => name === victim);
      if (!victim || !kept?.child.running) continue;
      note({ s: seconds(), what: victim });
      process.kill(kept.child.pid, 'SIGKILL');
    }
  };
  const blowing = blow();
  blowing.catch(() => undefined); // heard at its stop
  return {
    stop: async () => {
      stop.abort();
      await blowing;
    },
  };
}

/** What a storm of this plan must have hurt, and did not: one that was too short shows nothing. */
export function spared(blows: readonly Blow[]): string[] {
  return [...services, 'the broker' as const].filter((each) => !blows.some(({ what }) => what === each));
}

/** mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
