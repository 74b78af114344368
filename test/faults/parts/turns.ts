import type { Fault, FaultContext, FaultKind, Sufferer } from '../fault.ts';

/** What a kind does things to: the network is the ways to all of them. */
function partsOf({ part }: FaultKind): readonly Sufferer[] {
  return part === 'network' ? ['postgres', 'kafka', 'docker', 'registry'] : [part];
}

/**
 * Lets the faults of one part come one after the other: on a slow machine a part may take longer to come back than the plan gave it, and what is done to it next begins only then.
 */
export function inTurn(kinds: readonly FaultKind[]): FaultKind[] {
  const last = new Map<Sufferer, Promise<void>>();
  return kinds.map((kind) => ({ ...kind, make: (chance, seconds) => waiting(kind.make(chance, seconds), partsOf(kind), last) }));
}

function waiting(fault: Fault, parts: readonly Sufferer[], last: Map<Sufferer, Promise<void>>): Fault {
  let over: () => void = () => undefined;
  const begin = async (context: FaultContext): Promise<void> => {
    const before = parts.map((part) => last.get(part));
    const mine = new Promise<void>((resolve) => (over = resolve));
    for (const part of parts) last.set(part, mine);
    await Promise.race([Promise.all(before), aborted(context.signal)]);
    context.signal.throwIfAborted();
    await fault.begin(context);
  };
  const end = (): Promise<void> => fault.end().finally(() => over());
  return { name: fault.name, begin, end, hurt: () => fault.hurt?.() };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
