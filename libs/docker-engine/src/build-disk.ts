import { LimitExceeded } from './errors.js';
import { segment, type Transport } from './transport.js';

/** How soon the first look at a step comes, and how long between looks at least and at most, in ms. */
const firstMs = 500;
const usualMs = 1_000;
const mostMs = 15_000;
/** The engine walks through all that was written; it rests so many times as long. */
const restFactor = 4;
const runningIn = /^ ---> Running in ([0-9a-f]{12,64})$/;

/**
 * Looks how much the step that runs has written, for the classic builder knows no limit of disk: an endless `dd` would fill the engine's host. What a
 * step writes faster than it is looked at comes on top.
 */
export class DiskWatch {
  private timer: NodeJS.Timeout | undefined;
  private step = 0;

  constructor(
    private readonly transport: Transport,
    private readonly maxBytes: number,
    private readonly onFull: (error: LimitExceeded) => void,
  ) {}

  /** Hears the builder's log, which says where a step runs. */
  hear(line: string): void {
    const container = runningIn.exec(line)?.[1];
    if (container === undefined) return;
    clearTimeout(this.timer);
    this.step += 1;
    this.lookIn(firstMs, container, this.step);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.step = -1;
  }

  private lookIn(ms: number, container: string, step: number): void {
    this.timer = setTimeout(() => void this.look(container, step), ms).unref();
  }

  private async look(container: string, step: number): Promise<void> {
    const began = performance.now();
    const call = {
      what: `look at ${container}`,
      method: 'GET' as const,
      path: `/containers/${segment(container)}/json`,
      query: { size: true },
    };
    const written = await this.transport.json<{ SizeRw?: number }>(call).then(
      ({ SizeRw = 0 }) => SizeRw,
      () => 0, // The step has ended, or the engine is away, which the build itself notices.
    );
    if (step !== this.step) return;
    if (written > this.maxBytes) {
      const megabytes = Math.floor(this.maxBytes / 1024 ** 2);
      this.onFull(new LimitExceeded('disk', `a step of the build wrote more than ${megabytes} MiB to disk`));
    } else this.lookIn(Math.min(mostMs, Math.max(usualMs, restFactor * (performance.now() - began))), container, step);
  }
}
