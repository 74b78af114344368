/** Lets so many through in a window, by name, and so many at a time in all. Memory is bounded: names are forgotten with their window. */
export class Throttle {
  private windowFrom = 0;
  private counts = new Map<string, number>();
  private running = 0;

  constructor(
    private readonly limits: { readonly atOnce: number; readonly inWindow: number; readonly windowMs: number },
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Undefined where it is let through: then `leave` must be called. Else the seconds after which to come again. */
  enter(name: string): number | undefined {
    const at = this.now();
    if (at - this.windowFrom >= this.limits.windowMs) {
      this.windowFrom = at;
      this.counts.clear();
    }
    const count = (this.counts.get(name) ?? 0) + 1;
    if (this.running >= this.limits.atOnce) return 1;
    if (count > this.limits.inWindow) return Math.ceil((this.windowFrom + this.limits.windowMs - at) / 1000);
    this.counts.set(name, count);
    this.running++;
    return undefined;
  }

  leave(): void {
    this.running--;
  }
}
