import type { Service } from '@slipway/contracts';

/** What a service's answers of the last moments say of it. */
export interface Pace {
  /** How long the slowest of them took, in ms; 0 where there was none. */
  readonly waitedMs: number;
  /** True where it has answered nothing. */
  readonly silent: boolean;
}

interface Window {
  readonly from: number;
  readonly slowest: Map<Service, number>;
}

/**
 * How far others are behind, by how long their answers take. What was said is read in order, so that whoever answers now has not come yet to what was said
 * later than that: saying it again would only lengthen the queue he is behind with, until nothing but repetitions is read any more.
 */
export class Patience {
  private windows: readonly [Window, Window];

  /** An answer counts for one to two windows, in ms. */
  constructor(
    private readonly windowMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.windows = [this.fresh(), this.fresh()];
  }

  /** A service has answered what was said so long ago. */
  heard(service: Service, waitedMs: number): void {
    const [{ slowest }] = this.current();
    slowest.set(service, Math.max(waitedMs, slowest.get(service) ?? 0));
  }

  of(service: Service): Pace {
    const heard = this.current().flatMap(({ slowest }) => slowest.get(service) ?? []);
    return { waitedMs: Math.max(0, ...heard), silent: heard.length === 0 };
  }

  private current(): readonly [Window, Window] {
    const [newest] = this.windows;
    const age = this.now() - newest.from;
    if (age >= this.windowMs) this.windows = [this.fresh(), age < 2 * this.windowMs ? newest : this.fresh()];
    return this.windows;
  }

  private fresh(): Window {
    return { from: this.now(), slowest: new Map() };
  }
}
