import { type Service, services } from '@slipway/contracts';
import { pause } from '../../tools/parts/until.ts';
import type { Judged, Judging } from './judging.ts';
import { runSize, type SizeRun, type SizeWish } from './run-size.ts';

/** A fault of the storm. */
export interface Blow {
  /** Seconds since it began. */
  readonly s: number;
  readonly what: Service | 'the broker';
}

export interface Storm extends Judged {
  readonly seed: number;
  readonly calm: SizeRun;
  readonly stormy: SizeRun;
  readonly blows: readonly Blow[];
  /** Releases a second in the storm to releases a second without. */
  readonly share: number;
}

const everyMs = 5_000;
/** At this one the broker goes as well. */
const brokerAt = 4;

export interface StormWish extends Omit<SizeWish, 'releases'> {
  readonly judging: Judging;
}

/** The same number of releases without and with faults, in one suite. */
export async function runStorm(
  { judging, ...wish }: StormWish,
  { releases, seed, before }: { releases: number; seed: number; before: number },
): Promise<Storm> {
  const calm = await runSize({ ...wish, releases });
  const blows: Blow[] = [];
  const meanwhile = () => blowing(wish, seed, (blow) => blows.push(blow));
  const stormy = await runSize({ ...wish, releases, meanwhile });
  const judged = await judging.judged(before + 2 * releases, wish.tell, new Date());
  return { seed, calm, stormy, blows, share: calm.sinceToldMs / stormy.sinceToldMs, ...judged };
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
