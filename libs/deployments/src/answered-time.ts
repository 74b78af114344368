/**
 * Time in which every part that was asked gave an answer. Deadlines count this and nothing else: a registry that is away for
 * ten minutes must not fail anybody's release (design part 4, "How").
 */
export interface AnsweredTime {
  /** Milliseconds counted so far. */
  readonly totalMs: number;
  /** Reading of the caller's monotonic clock at the last answer; absent after a gap. Never kept over a restart. */
  readonly lastAnswerAt?: number;
}

/** The most that one interval between two answers counts: a process that stood still did not watch. */
export const longestTickMs = 10_000;

/** Counts the interval since the last answer, if there was one and nothing failed in between. `now` is monotonic, in milliseconds. */
export function answered(time: AnsweredTime, now: number): AnsweredTime {
  const since = time.lastAnswerAt === undefined ? 0 : Math.min(Math.max(now - time.lastAnswerAt, 0), longestTickMs);
  return { totalMs: time.totalMs + since, lastAnswerAt: now };
}

/** A part was away: the time up to its next answer does not count. */
export function unanswered(time: AnsweredTime): AnsweredTime {
  return { totalMs: time.totalMs };
}
