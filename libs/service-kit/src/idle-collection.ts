import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** How a process is watched for a quiet moment; the defaults are what services run with. */
export interface IdleCollection {
  /** How often it is looked, in ms. */
  readonly everyMs?: number;
  /** The event loop was busy for no more than this share since the last look. */
  readonly quiet?: number;
  /** So many bytes must have come together since the last collection. */
  readonly worth?: number;
}

/**
 * Gives back what starting and the last release left behind, as soon as a service waits. V8 collects when it must allocate, so a service that mostly waits
 * would keep 15 to 35 MiB of garbage for hours; browsers collect in idle time, Node does not (https://v8.dev/blog/free-garbage-collection). One
 * collection takes about 0.1 s, and none is made before so much has come together again. Without `--expose-gc` nothing happens.
 */
export function collectWhenIdle({ everyMs = 20_000, quiet = 0.05, worth = 6 * 1024 * 1024 }: IdleCollection = {}): void {
  const collect = globalThis.gc;
  if (!collect) return;
  let looked: EventLoopUtilization = performance.eventLoopUtilization();
  let kept = 0;
  const look = async (): Promise<void> => {
    const now = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(now, looked).utilization;
    looked = now;
    if (busy > quiet || process.memoryUsage().heapUsed - kept < worth) return;
    await collect({ type: 'major', execution: 'async', flavor: 'last-resort' });
    kept = process.memoryUsage().heapUsed;
  };
  setInterval(() => void look(), everyMs).unref();
}
