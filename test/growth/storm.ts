import { type Service, services } from '@slipway/contracts';
import { pause } from '../../tools/parts/until.ts';
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
}

const everyMs = 5_000;
/** The broker goes at this one. */
const brokerAt = 4;

/** The same number of releases without and with faults, in one suite. */
export async function runStorm(wish: Omit<SizeWish, 'releases'>, { releases, seed }: { releases: number; seed: number }): Promise<Storm> {
  const calm = await runSize({ ...wish, releases });
  const blows: Blow[] = [];
  const meanwhile = () => blowing(wish, seed, (blow) => blows.push(blow));
  const stormy = await runSize({ ...wish, releases, meanwhile });
  const target = await judgeTarget(wish.ground, wish.records);
  return { seed, calm, stormy, blows, share: calm.sinceToldMs / stormy.sinceToldMs, target };
}

function blowing({ ground, tell }: Omit<SizeWish, 'releases'>, seed: number, note: (blow: Blow) => void) {
  const begun = performance.now();
  const random = seeded(seed);
  const stop = new AbortController();
  const blow = async () => {
    for (let number = 1; ; number++) {
      await pause(everyMs);
      if (stop.signal.aborted) return;
      const s = (performance.now() - begun) / 1000;
      if (number === brokerAt) {
        note({ s, what: 'the broker' });
        tell('storm: the broker is restarted');
        await ground.restartBroker();
        continue;
      }
      const victim = services[Math.floor(random() * services.length)] as Service;
      const kept = ground.processes.find(({ name }) => name === victim);
      if (!kept?.child.running) continue;
      note({ s, what: victim });
      process.kill(kept.child.pid, 'SIGKILL');
    }
  };
  const blowing = blow();
  return {
    stop: async () => {
      stop.abort();
      await blowing;
    },
  };
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
