import type { DataDir } from '../parts/data-dir.ts';
import { type Child, explain, type ProcessSpec, startProcess } from '../parts/processes.ts';

/** A process that is started again whenever it ends by itself. */
export interface Kept {
  readonly name: string;
  /** The process that runs now, or the last one. */
  readonly child: Child;
  /** How often it was started again. */
  readonly restarts: number;
  stop(): Promise<void>;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;
/** A process that ran this long came past its start: its next end counts as the first. */
const recoveredMs = 10_000;

/** Starts a process and keeps it running until `stop`, with growing pauses between starts; each end is told, with the end of the log. */
export async function keepRunning(dataDir: DataDir, spec: ProcessSpec, tell: (message: string) => void): Promise<Kept> {
  let stopping = false;
  let restarts = 0;
  let pauseMs = firstPauseMs;
  let child = await startProcess(dataDir, spec);
  let wake: () => void = () => {};
  const watch = async (): Promise<void> => {
    for (let begun = performance.now(); !stopping; begun = performance.now()) {
      const { code, signal } = await child.exited;
      if (stopping) return;
      if (performance.now() - begun > recoveredMs) pauseMs = firstPauseMs;
      tell(
        `${spec.name} ended ${signal === null ? `with code ${code}` : `by ${signal}`}; starting it again in ${pauseMs / 1000} s\n${await explain(child)}`,
      );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      if (stopping) return;
      child = await startProcess(dataDir, spec);
      restarts += 1;
    }
  };
  const watching = watch().catch((error: unknown) => tell(`${spec.name} cannot be started again: ${String(error)}`));
  return {
    name: spec.name,
    get child() {
      return child;
    },
    get restarts() {
      return restarts;
    },
    stop: async () => {
      stopping = true;
      wake();
      await child.stop();
      await watching;
      // It may have been started again while we asked it to stop.
      await child.stop();
    },
  };
}
