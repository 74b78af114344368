import { setTimeout as delay } from 'node:timers/promises';
import type { EnvironmentRef } from '../deployment.js';
import type { Observed } from '../observed.js';
import { TargetUnavailable } from '../port.js';
import { environmentLabels } from './labels.js';
import type { Settings } from './settings.js';

/** Several events come together when one container is replaced: one look serves them all. */
const settleMs = 100;
const changes = ['create', 'start', 'die', 'kill', 'oom', 'stop', 'destroy', 'restart', 'pause', 'unpause', 'rename'];

/** Looks at once, and again after the engine said that something happened. Events only make it look; what it yields was read. */
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
  let failure: { error: unknown } | undefined;
  listening.catch((error: unknown) => {
    failure = { error };
    news.resolve();
  });
  const ended = new Promise<void>((resolve) => both.addEventListener('abort', () => resolve(), { once: true }));
  try {
    while (!both.aborted) {
      await Promise.race([news.promise, ended]);
      if (both.aborted) return;
      if (failure !== undefined) throw failure.error;
      await delay(settleMs, undefined, { signal: both }).catch(() => undefined);
      news = Promise.withResolvers<void>();
      const seen = await tryLook(look, both);
      if (seen !== undefined) yield seen;
    }
  } finally {
    stop.abort();
  }
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
