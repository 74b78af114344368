import { writeSync } from 'node:fs';

/** What the guard needs of a service. */
export interface Guarded {
  stop(): Promise<void>;
  /** Tells the service's log, where it has one yet. */
  fatal(error: unknown, message: string): void;
}

/** Longest a stop may take; who stops us (systemd, Docker) kills after 10 s. */
const stopMs = 9_500;

/**
 * Ties a process to the services in it: SIGTERM and SIGINT stop them and exit 0, a second signal or a stop that hangs exits 1,
 * and so does an error that nobody caught, because after that nobody knows what state is still true.
 */
export function guardProcess(services: readonly Guarded[]): { fail(error: unknown, message: string): void } {
  let stopping: Promise<void> | undefined;
  const stopAll = () => {
    stopping ??= Promise.all(services.map((service) => service.stop())).then(() => undefined);
    return stopping;
  };
  const fail = (error: unknown, message: string) => {
    for (const service of services) service.fatal(error, message);
    leaveAfter(1, stopAll(), 3_000);
  };
  const asked = (signal: NodeJS.Signals) => {
    if (stopping) {
      writeSync(2, `${signal} again: ending at once\n`);
      process.exit(1);
    }
    leaveAfter(0, stopAll(), stopMs);
  };
  process.on('SIGTERM', asked).on('SIGINT', asked);
  process.on('unhandledRejection', (error) => fail(error, 'a promise was rejected and nobody listened; ending the process'));
  process.on('uncaughtException', (error) => fail(error, 'an error was thrown and nobody caught it; ending the process'));
  return { fail };
}

/** Exits with `code` when `work` is done, with 1 when it fails or takes longer than `mostMs`. */
function leaveAfter(code: number, work: Promise<void>, mostMs: number): void {
  const late = setTimeout(() => {
    writeSync(2, `stopping took longer than ${mostMs / 1000} s; ending at once\n`);
    process.exit(1);
  }, mostMs);
  work.then(
    () => process.exit(code),
    (error: unknown) => {
      clearTimeout(late);
      writeSync(2, `stopping failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
}
