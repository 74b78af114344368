/** Longest rest between two looks at a source that fails, in seconds. */
const longestRest = 600;

/** How long to rest until the next poll, in ms: the source's interval, doubled for each failure in a row; `chance` (0 to 1) spreads sources over a fifth. */
export function restMs(everySeconds: number, failures: number, chance: number): number {
  const seconds =
    failures === 0 ? everySeconds : Math.min(Math.max(everySeconds, 1) * 2 ** Math.min(failures, 10), Math.max(longestRest, everySeconds));
  return Math.round(seconds * 1000 * (0.9 + chance * 0.2));
}

/**
 * Whether a failure is to be said now: at once when somebody has to do something, at the second time in a row when it may pass, and again
 * only when somebody has to do something else than was said.
 */
export function worthSaying(failure: {
  readonly passes: boolean;
  readonly count: number;
  readonly said: boolean;
  readonly other: boolean;
}): boolean {
  if (failure.said) return failure.other && !failure.passes;
  return !failure.passes || failure.count >= 2;
}
