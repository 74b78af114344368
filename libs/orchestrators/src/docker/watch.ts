import { setTimeout as delay } from 'node:timers/promises';
import type { EnvironmentRef } from '../deployment.js';
import type { Observed } from '../observed.js';
import { TargetUnavailable } from '../port.js';
import { environmentLabels } from './labels.js';
import type { Settings } from './settings.js';

/** Several events come together when one container is replaced: one look serves them all. */
const settleMs = 100;
const restlessMs = 1000;
const calmMs = 30_000;
const changes = ['create', 'start', 'die', 'kill', 'oom', 'stop', 'destroy', 'restart', 'pause', 'unpause', 'rename'];

/**
 * Looks at once, again after the engine said that something happened, and now and then. Events only make it look; what it yields was
 * read, and differs from what it yielded before.
 */
export async function* watch(
  settings: Settings,
  environment: EnvironmentRef,
  look: () => Promise<Observed>,
  signal: AbortSignal,
): AsyncGenerator<Observed> {
  const filter = { types: ['container'], actions: changes, labels: environmentLabels(environment, settings.installation) };
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let news = Promise.withResolvers<void>();
  const listening = (async () => {
    for await (const _ of settings.engine.events(both, filter)) news.resolve();
  })();
  both.addEventListener('abort', () => news.resolve(), { once: true });
  let failure: { error: unknown } | undefined;
  listening.catch((error: unknown) => {
    failure = { error };
    news.resolve();
  });
  let last: Observed | undefined;
  try {
    while (!both.aborted) {
      const timer = setTimeout(() => news.resolve(), patience(last));
      await news.promise;
      clearTimeout(timer);
      if (both.aborted) return;
      if (failure !== undefined) throw failure.error;
      await delay(settleMs, undefined, { signal: both }).catch(() => undefined);
      news = Promise.withResolvers<void>();
      const seen = await tryLook(look, both);
      if (seen !== undefined && differs(last, seen)) yield seen;
      last = seen ?? last;
    }
  } finally {
    stop.abort();
  }
}

/** Health is no event of the engine: while something is not well it is looked at without one. */
function patience(last: Observed | undefined): number {
  return last !== undefined && last.ready !== last.wanted ? restlessMs : calmMs;
}

function differs(before: Observed | undefined, now: Observed): boolean {
  const gist = (seen: Observed) => [seen.version, seen.ready, seen.wanted, ...seen.instances.map((one) => one.state)].join(' ');
  return before === undefined || gist(before) !== gist(now);
}

/** Between an event and our look the engine may have gone away; it says `connected` when it is back. */
async function tryLook(look: () => Promise<Observed>, signal: AbortSignal): Promise<Observed | undefined> {
  try {
    return await look();
  } catch (error) {
    if (signal.aborted || error instanceof TargetUnavailable) return undefined;
    throw error;
  }
}
