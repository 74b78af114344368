/** How many may be told of at once, and how long one of them takes to come back, in ms. */
const limits = { atOnce: 2_000, backMs: 30_000 };

/**
 * How much of what no service of ours said is told of: dead letters of nobody's, sign-offs that are refused. Whoever may write to Kafka makes as many as
 * they like, and each that is told of is an event that everybody hears and the gateway keeps for good. What is not told of is counted, and said with the
 * next that is.
 */
export class Telling {
  private left: number;
  private since: number;
  private untold = 0;

  constructor(
    private readonly of: typeof limits = limits,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.left = of.atOnce;
    this.since = now();
  }

  /** How many were not told of before this one; undefined where this one is not, either. */
  next(): number | undefined {
    const back = Math.floor((this.now() - this.since) / this.of.backMs);
    this.left = Math.min(this.of.atOnce, this.left + back);
    this.since += back * this.of.backMs;
    if (this.left === 0) {
      this.untold += 1;
      return undefined;
    }
    this.left -= 1;
    const before = this.untold;
    this.untold = 0;
    return before;
  }
}
