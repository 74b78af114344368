import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What the preloaded module and the runner tell each other lies in one folder. */

/** Is there while a point is armed; in it stands which lot it belongs to. */
export function armedFile(point: string): string {
  return `armed-${hashOf(point)}`;
}

/** Is there until a process has ended at one of these points: whoever removes it is the one. */
export function lotFile(points: readonly string[]): string {
  return `lot-${hashOf(points.join())}`;
}

/** Is there while a process is held at one of these points; it goes on once it is gone. */
export function heldFile(points: readonly string[]): string {
  return `held-${hashOf(points.join())}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

/** What a lot's file begins with where who comes there is to be held, and not to end; the name of the file by which it is follows. */
export const holds = 'held-';

/** One line of JSON for each process that ended at an armed point. */
export function killedFile(folder: string): string {
  return join(folder, 'killed');
}

/** One line a passed point: `now()`, a tab, the point. */
export function passedFile(folder: string, service: string, pid: number): string {
  return join(folder, `passed-${service}-${pid}`);
}

/** Milliseconds by the machine's monotonic clock, which all processes share and no fault moves. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
