/** How long things wait. Tests make them short; nobody else has a reason to. */
export interface Timing {
  /** How often the outbox is looked at when nothing woke us. */
  readonly pollMs: number;
  /** How often hand-offs and parked events are looked at. */
  readonly housekeepingMs: number;
  /** An unanswered hand-off is said again after this, then twice this, and so on … */
  readonly resendFirstMs: number;
  /** … up to this. */
  readonly resendMostMs: number;
  /** How long a transient error is retried in place before the partition is paused … */
  readonly retryInPlaceMs: number;
  /** … for so long. */
  readonly pauseMs: number;
  /** How long one handler may take. */
  readonly handlerMs: number;
  /** When a parked event that came too early is first tried again; then at growing intervals. */
  readonly parkedFirstMs: number;
  /** After how long a parked event that still comes too early is a dead letter, unless something newer than the code waits beside it. */
  readonly parkedGiveUpMs: number;
  /** An event said less than this ago can't have been forgotten, so it is not looked up whether it was. */
  readonly unforgettableMs: number;
}

export const usualTiming: Timing = {
  pollMs: 5_000,
  housekeepingMs: 5_000,
  resendFirstMs: 5_000,
  resendMostMs: 300_000,
  retryInPlaceMs: 10_000,
  pauseMs: 5_000,
  handlerMs: 30_000,
  parkedFirstMs: 250,
  parkedGiveUpMs: 24 * 3_600_000,
  unforgettableMs: 24 * 3_600_000,
};
