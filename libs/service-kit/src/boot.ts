import { writeSync } from 'node:fs';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Service } from '@slipway/contracts';
import type { EventLog } from '@slipway/messaging';
import 'reflect-metadata';
import { ConfigurationError, type Environment } from './configuration.js';
import { collectWhenIdle } from './idle-collection.js';
import { guardProcess } from './process-guard.js';
import { RunningService } from './running-service.js';
import { Stopped } from './waiting.js';
import { watchEventLoop } from './watchdog.js';
import { WiringError } from './wiring.js';

/** How to boot; `boot(Module)` alone is what main.ts does. */
export interface BootOptions {
  /** Default `process.env`. */
  readonly environment?: Environment;
  /**
   * True (the default) where the process is the service's: signals stop it, an error at start or an uncaught one ends the process.
   * False in tests: errors are thrown, and the caller stops it.
   */
  readonly ownsProcess?: boolean;
  /** Hears, where the process is not the service's, that a part died without which it cannot live. The service stops then. */
  readonly onFatal?: (error: unknown) => void;
  /** Instead of Kafka, in tests. The caller closes it. */
  readonly eventLog?: EventLog;
}

/** A service that runs. */
export interface Booted {
  readonly service: Service;
  /** `http://<host>:<port>`. */
  readonly url: string;
  /** The Nest application, to take providers from in tests. */
  readonly app: NestFastifyApplication;
  /** Stops gently; resolves when everything is closed. */
  stop(): Promise<void>;
}

/** Boots the service of a root module that imports `ServiceModule.register(…)`. Resolves when it is ready to work. */
export async function boot(root: Type, options: BootOptions = {}): Promise<Booted> {
  const [booted] = await bootAll([root], options);
  return booted as Booted;
}

/**
 * Boots several services in one process (one-process mode), each with its own port, registry, database schema and key; a root may
 * come with an environment of its own. The first that cannot start stops all.
 */
export async function bootAll(
  roots: readonly (Type | { root: Type; environment: Environment })[],
  options: BootOptions = {},
): Promise<Booted[]> {
  const owns = options.ownsProcess ?? true;
  const started: RunningService[] = [];
  const stopAndTell = (error: unknown) => {
    void stopAll(started).then(() => options.onFatal?.(error));
  };
  const guard = owns ? guardProcess(started) : { fail: stopAndTell };
  try {
    for (const one of roots) {
      const { root, environment } = typeof one === 'function' ? { root: one, environment: options.environment ?? process.env } : one;
      started.push(
        new RunningService(root, { environment, eventLog: options.eventLog, onFatal: (error, message) => guard.fail(error, message) }),
      );
    }
    if (owns) watchAll(started);
    if (owns) collectWhenIdle();
    await Promise.all(started.map((service) => service.start()));
  } catch (error) {
    if (owns && error instanceof Stopped) return await new Promise(() => undefined); // the signal that stopped it also ends the process
    if (owns) explain(error, started);
    await stopAll(started);
    if (owns) process.exit(1);
    throw error;
  }
  return started.map((service) => ({ service: service.definition.name, url: service.url, app: service.app, stop: () => service.stop() }));
}

async function stopAll(services: readonly RunningService[]): Promise<void> {
  await Promise.all(services.map((service) => service.stop()));
}

function watchAll(services: readonly RunningService[]): void {
  const [first] = services;
  const stallMs = (first?.config.SLIPWAY_STALL_SECONDS ?? 0) * 1_000;
  if (stallMs > 0) watchEventLoop(services.map((service) => service.definition.name).join(', '), stallMs);
}

/** What an operator must mend is said plainly on standard error, without a stack; the rest goes to the log with one. */
function explain(error: unknown, services: readonly RunningService[]): void {
  if (error instanceof ConfigurationError || error instanceof WiringError || services.length === 0) {
    writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
    return;
  }
  for (const service of services) service.fatal(error, `cannot start: ${error instanceof Error ? error.message : String(error)}`);
}
