/** How often the part is asked, how long an answer may take, and after how much silence it is given up; ms. */
export interface Beat {
  readonly everyMs: number;
  readonly answerMs: number;
  readonly silenceMs: number;
}

const usual: Beat = { everyMs: 5_000, answerMs: 5_000, silenceMs: 120_000 };

/**
 * A time limit that counts only time in which a part answers (design part 4): while it hangs, the limit stands still. `signal` is aborted when
 * the limit is reached, or when the part was silent for too long, which `silent` tells apart.
 */
export class AnsweringClock {
  private readonly controller = new AbortController();
  private readonly stopped = new AbortController();
  private counted = 0;
  private quiet = 0;
  private last = performance.now();
  private timer: NodeJS.Timeout;
  silent = false;

  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<void>,
    private readonly limitMs: number,
    private readonly beat: Beat = usual,
  ) {
    this.timer = setTimeout(() => void this.tick(), Math.min(beat.everyMs, limitMs));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Ends the counting; nothing is aborted any more. */
  stop(): void {
    this.stopped.abort();
    clearTimeout(this.timer);
  }

  private async tick(): Promise<void> {
    const answered = await this.ask(AbortSignal.any([this.stopped.signal, AbortSignal.timeout(this.beat.answerMs)])).then(
      () => true,
      () => false,
    );
    if (this.stopped.signal.aborted) return;
    const now = performance.now();
    if (answered) this.counted += now - this.last;
    this.quiet = answered ? 0 : this.quiet + now - this.last;
    this.last = now;
    this.silent = this.quiet >= this.beat.silenceMs;
    if (this.silent || this.counted >= this.limitMs) this.controller.abort();
    else this.timer = setTimeout(() => void this.tick(), Math.max(1, Math.min(this.beat.everyMs, this.limitMs - this.counted)));
  }
}
