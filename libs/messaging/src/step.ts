import type { Logger } from 'pino';
import type { BatchControl, BatchOutcome } from './event-log.js';
import type { Timing } from './timing.js';
import { backOff, describe, pause, sort } from './trouble.js';

/** One thing to be done with a record. */
export interface Step {
  readonly what: string;
  /** Does nothing, and throws, where `signal` says before there is a connection that the record is to be left. */
  do(signal: AbortSignal): Promise<void>;
  /** The step to take when trying again would not help. Without one only time can. */
  otherwise?(thrown: unknown, attempt: number): Step;
}

/** How often an error nobody can place is tried before the step is given up. */
const tries = 3;

/** Does the step, and the one that follows from its failure, until it is done, only time can help, or the record is to be left. */
export async function insist(
  step: Step,
  control: BatchControl,
  { logger, timing }: { readonly logger: Logger; readonly timing: Timing },
): Promise<BatchOutcome | undefined> {
  const began = performance.now();
  let now = step;
  for (let attempt = 1, unknown = 0; ; attempt++) {
    try {
      await now.do(control.signal);
      return undefined;
    } catch (thrown) {
      if (control.signal.aborted) return {};
      const trouble = sort(thrown);
      const { detail } = describe(thrown);
      logger.warn({ trouble, attempt, err: thrown instanceof Error ? thrown : detail }, `${now.what} failed`);
      if (trouble !== 'transient' && (trouble !== 'unknown' || ++unknown >= tries)) {
        if (!now.otherwise) return { again: { afterMs: timing.pauseMs } };
        now = now.otherwise(thrown, attempt);
        unknown = 0;
        continue;
      }
      if (trouble === 'transient' && performance.now() - began > timing.retryInPlaceMs) return { again: { afterMs: timing.pauseMs } };
      await pause(backOff(attempt, 50, 2_000), control.signal);
      await control.beat();
      if (control.signal.aborted) return {};
    }
  }
}
