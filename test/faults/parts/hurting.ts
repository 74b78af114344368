import { setTimeout as wait } from 'node:timers/promises';
import type { FaultProxy, Toxic } from '../../../tools/parts/toxiproxy.ts';
import type { Fault, FaultContext } from '../fault.ts';
import { each, inUse } from './ways.ts';

/** What a fault does, and how it is taken back. */
export interface Doing {
  readonly name: string;
  /** Gives how often it hurt so far, where that is known at once. */
  begin(context: FaultContext): Promise<number | undefined>;
  /** Gives how often it hurt altogether, where that is known only now. */
  end?(): Promise<number | undefined>;
}

/** A fault that counts whom it hurt. */
export function aFault({ name, begin, end }: Doing): Fault {
  let hurt: number | undefined;
  return {
    name,
    begin: async (context) => {
      hurt = await begin(context);
    },
    end: async () => {
      hurt = (await end?.()) ?? hurt;
    },
    hurt: () => hurt,
  };
}

/** Poison on these proxies; it hurts the connections that are asked something through meanwhile, as many as were at once. */
export function poisoned(
  name: string,
  proxies: readonly FaultProxy[],
  poison: readonly { readonly stream: 'upstream' | 'downstream'; readonly toxic: Toxic }[],
): Fault {
  let most = 0;
  let begun = performance.now();
  const looking = repeatedly(name, 200, async () => {
    most = Math.max(most, await inUse(proxies, performance.now() - begun));
    return 0;
  });
  return aFault({
    name,
    begin: async (context) => {
      // Of what is swallowed nobody asks a second time: who asked before all are poisoned is hurt for as long as it lasts.
      begun = performance.now();
      await each(proxies, async (proxy) => {
        for (const { stream, toxic } of poison) await proxy.poison(stream, toxic);
      });
      await looking.begin(context);
      return undefined;
    },
    end: async () => {
      await looking.end();
      await each(proxies, (proxy) => proxy.cure());
      return most;
    },
  });
}

/** Nothing gets through, and nobody is told: what is sent vanishes, connections stay open until it is over and end then. */
export function blackHoled(name: string, proxies: readonly FaultProxy[]): Fault {
  const toxic: Toxic = { type: 'timeout', attributes: { timeout: 0 } };
  return poisoned(name, proxies, [
    { stream: 'upstream', toxic },
    { stream: 'downstream', toxic },
  ]);
}

/** Everything open is closed and nobody gets through until it is over. */
export function cutOff(name: string, proxies: readonly FaultProxy[]): Fault {
  return aFault({
    name,
    begin: async () => {
      const asked = await inUse(proxies);
      await each(proxies, (proxy) => proxy.close());
      return asked;
    },
    end: async () => {
      await each(proxies, (proxy) => proxy.open());
      return undefined;
    },
  });
}

/** Does something again and again, with pauses, from `begin` until `end` or until the run is asked to end. Sums up what each turn, and what comes after the last, hurt. */
export function repeatedly(
  name: string,
  everyMs: number,
  turn: (context: FaultContext) => Promise<number>,
  after: () => Promise<unknown> = async () => {},
): Fault {
  const over = new AbortController();
  let hurt = 0;
  let going: Promise<void> = Promise.resolve();
  return aFault({
    name,
    begin: async (context) => {
      const signal = AbortSignal.any([over.signal, context.signal]);
      going = (async () => {
        while (!signal.aborted) {
          hurt += await turn(context).catch((error: unknown) => {
            context.say(`${name}: ${String(error)}`);
            return 0;
          });
          await wait(everyMs, undefined, { signal }).catch(() => undefined);
        }
      })();
      return undefined;
    },
    end: async () => {
      over.abort();
      await going;
      const more = await after();
      return hurt + (typeof more === 'number' ? more : 0);
    },
  });
}
