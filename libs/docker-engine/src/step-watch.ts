import type { BuildRequest } from './build.js';
import { LimitExceeded, NotFound } from './errors.js';
import { segment, type Transport } from './transport.js';

/** How soon the first look at a step comes, and how long between looks at least and at most, in ms. */
const firstMs = 500;
const usualMs = 1_000;
const mostMs = 15_000;
/** The engine walks through all that was written; it rests so many times as long. */
const restFactor = 4;
/** More steps than any Dockerfile has. A step that writes others into the log is ended by it. */
const mostSteps = 500;
/** Who stands at the limit of processes is seen a little below it: some are always just ending. */
const nearly = 0.9;
const runningIn = /^ ---> Running in ([0-9a-f]{12,64})$/;

interface RawStep {
  readonly Created: string;
  readonly State: { readonly Status: string };
  readonly HostConfig: { readonly NetworkMode?: string; readonly Memory?: number };
  readonly SizeRw?: number;
}

/**
 * Holds the steps of a build to what the classic builder knows no limit of: how many processes they have, and what they write to disk (what a step writes
 * faster than it is looked at comes on top).
 *
 * Only the builder's log says where a step runs, and a step can write that there too. So every container that is named is looked at until it has ended, but
 * none that is not of a build as this one.
 */
export class StepWatch {
  private readonly named = new Set<string>();
  /** Those that were begun and not yet seen to have ended. */
  private readonly running = new Set<string>();
  private readonly timers = new Set<NodeJS.Timeout>();
  /** One after the other, so that many names cost little. */
  private begun: Promise<void> = Promise.resolve();
  /** When the first step began, which nothing but the builder can have named, in ms of the engine's clock. */
  private first: number | undefined;
  private memoryIsLimited: boolean | undefined;
  private stopped = false;

  constructor(
    private readonly transport: Transport,
    private readonly build: Pick<BuildRequest, 'limits' | 'networkMode' | 'onNote'>,
    private readonly onLimit: (error: LimitExceeded) => void,
  ) {}

  /** Hears a line of the log. */
  hear(line: string): void {
    const step = runningIn.exec(line)?.[1];
    const { limits } = this.build;
    if (step === undefined || this.named.has(step) || limits === undefined) return;
    this.named.add(step);
    if (this.named.size > mostSteps) this.onLimit(new LimitExceeded('steps', `the log of the build names more than ${mostSteps} steps`));
    else this.begun = this.begun.then(() => this.next(step, () => this.begin(step)));
  }

  /**
   * The build is over, and the engine kills what still runs of it. Dying, too, takes time of a processor, and hundreds of processes that share half of one do
   * not get to it for minutes: their limit is lifted.
   */
  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    if (this.build.limits?.cpus === undefined) return;
    for (const step of this.running) void this.update(step, { CpuQuota: -1 }).catch(() => undefined); // it is gone
  }

  /** Looks, and again later for as long as the step is there; an engine that is away is the build's own matter. */
  private async next(step: string, look: () => Promise<'begun' | 'goes on' | 'over'>): Promise<void> {
    if (this.stopped) return;
    const began = performance.now();
    const found = await look().catch((error: unknown) => (error instanceof NotFound ? 'over' : undefined));
    if (found === 'over') this.running.delete(step);
    if (this.stopped || found === 'over') return;
    const rest = Math.min(mostMs, Math.max(usualMs, restFactor * (performance.now() - began)));
    const then = found === undefined ? look : () => this.look(step);
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        void this.next(step, then);
      },
      found === 'begun' ? firstMs : rest,
    ).unref();
    this.timers.add(timer);
  }

  private async begin(step: string): Promise<'begun' | 'over'> {
    const { State, HostConfig, Created } = await this.inspect(step, false);
    const { limits = {}, networkMode, onNote } = this.build;
    const created = Date.parse(Created);
    this.first ??= created;
    if (isOver(State)) return 'over';
    const { NetworkMode: network, Memory: memory = 0 } = HostConfig;
    const isOfABuild =
      (memory === (limits.memoryBytes ?? 0) || (memory === 0 && !(await this.limitsMemory()))) &&
      usual(network) === usual(networkMode) &&
      created >= this.first;
    if (!isOfABuild) {
      onNote?.(`the log names a step ${step} that is none of this build (network ${network}, memory ${memory}): no limit holds for it`);
      return 'over';
    }
    this.running.add(step);
    // Where the engine cannot, its processes are still counted.
    if (limits.pids !== undefined) await this.update(step, { PidsLimit: limits.pids }).catch(() => undefined);
    return 'begun';
  }

  private async look(step: string): Promise<'goes on' | 'over'> {
    const { pids = Number.POSITIVE_INFINITY, diskBytes = Number.POSITIVE_INFINITY } = this.build.limits ?? {};
    if (pids < Number.POSITIVE_INFINITY) {
      const processes = await this.processesOf(step).catch(() => 0); // what it wrote is looked at all the same
      if (processes >= nearly * pids && !this.stopped)
        this.onLimit(new LimitExceeded('processes', `a step of the build has ${processes} processes and threads; it may have ${pids}`));
    }
    const { State, SizeRw = 0 } = await this.inspect(step, diskBytes < Number.POSITIVE_INFINITY);
    if (SizeRw > diskBytes && !this.stopped) {
      const megabytes = Math.floor(diskBytes / 1024 ** 2);
      this.onLimit(new LimitExceeded('disk', `a step of the build wrote more than ${megabytes} MiB to disk`));
    }
    return isOver(State) ? 'over' : 'goes on';
  }

  /** An engine whose kernel limits no memory says 0 of whatever was asked for; asked once. */
  private async limitsMemory(): Promise<boolean> {
    const call = { what: 'ask for limits', method: 'GET' as const, path: '/info' };
    this.memoryIsLimited ??= (await this.transport.json<{ MemoryLimit?: boolean }>(call)).MemoryLimit ?? true;
    return this.memoryIsLimited;
  }

  private async update(step: string, body: object): Promise<void> {
    await this.transport.json({ what: `limit ${step}`, method: 'POST', path: `/containers/${segment(step)}/update`, body });
  }

  private async inspect(step: string, size: boolean): Promise<RawStep> {
    const call = { what: `look at ${step}`, method: 'GET' as const, path: `/containers/${segment(step)}/json` };
    return await this.transport.json<RawStep>({ ...call, query: { size } });
  }

  private async processesOf(step: string): Promise<number> {
    const call = { what: `count processes of ${step}`, method: 'GET' as const, path: `/containers/${segment(step)}/stats` };
    const { pids_stats: found } = await this.transport.json<{ pids_stats?: { current?: number } }>({
      ...call,
      query: { stream: false, 'one-shot': true },
    });
    return found?.current ?? 0;
  }
}

/** Newer engines say `bridge` of what was put nowhere, older ones `default`. */
function usual(network = 'default'): string {
  return network === 'bridge' ? 'default' : network;
}

function isOver({ Status }: RawStep['State']): boolean {
  return Status !== 'created' && Status !== 'running';
}
