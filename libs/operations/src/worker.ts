import type { Messaging } from '@slipway/messaging';
import type { Database } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { v4 } from 'uuid';
import { ActiveClaim, usualLeaseMs } from './active-claim.js';
import { boundArmings } from './bound-armings.js';
import { longestArmedMs } from './calls.js';
import { type ClaimRequest, claimDue, nextDue, settle } from './claims.js';
import { ShuttingDown } from './errors.js';
import { endLeasesOfTheGone, showOwner } from './gone-owners.js';
import { LeaseKeeper } from './lease-keeper.js';
import { cancelChannel, channel, stuckOperations } from './owe.js';
import type { Seals } from './progress-seal.js';
import { type Result, runClaim } from './run-claim.js';
import type { Work } from './work.js';
import { WorkerMetrics } from './worker-metrics.js';

export interface WorkerOptions {
  readonly database: Database;
  readonly messaging: Pick<Messaging, 'transact'> & Partial<Pick<Messaging, 'isBehind'>>;
  readonly works: readonly Work[];
  /** A UUID made anew at every start of a process; never the host name, which two processes share. Made here by default. */
  readonly owner?: string;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Looks for due work at least this often, in ms; jittered: what wakes it is news, this is for news that was lost. Default 5 000. */
  readonly pollMs?: number;
  /** How long a part must have been absent before that is said, in ms. Default 10 000. */
  readonly sayAwayAfterMs?: number;
  /** What workers noted is believed with its seal only, where these are given. */
  readonly seals?: Seals;
}

const stuckEveryMs = 60_000;
/** While others are behind, one of a kind that yields is begun this often, so that it never stops for good, in ms. */
const trickleMs = 1_000;

/**
 * Works on what is owed. Any number of workers run beside each other; each operation is with one of them at a time, under a lease by the
 * database's clock, and what an overtaken one still writes is refused by its epoch (design part 4, promise 9).
 */
export class Worker {
  readonly owner: string;
  private readonly works: Map<string, Work>;
  private readonly running = new Map<ActiveClaim, Promise<void>>();
  private readonly metrics: WorkerMetrics;
  private readonly leases: LeaseKeeper;
  private stopping = false;
  private looking: Promise<void> | undefined;
  private unlisten: () => void = () => undefined;
  private awake: () => void = () => undefined;
  private wanted = false;
  private failures = 0;
  private stuckAt = performance.now();
  private lastLookAt: number | undefined;
  /** When the last of a kind was begun though somebody was behind. */
  private readonly trickledAt = new Map<string, number>();

  /** @throws Error where two works are of one kind. */
  constructor(private readonly options: WorkerOptions) {
    const { works, database, registry, logger } = options;
    this.owner = options.owner ?? v4();
    this.works = new Map(works.map((work) => [work.kind, work]));
    if (this.works.size !== works.length) throw new Error('Two works are of one kind');
    this.metrics = new WorkerMetrics(registry, database, [...this.works.keys()]);
    const shortest = Math.min(...works.map(({ leaseMs = usualLeaseMs }) => leaseMs));
    this.leases = new LeaseKeeper(database, logger, () => [...this.running.keys()], shortest / 3);
  }

  /** Begins to look for work; returns at once. */
  start(): void {
    if (this.looking || this.works.size === 0) return;
    this.leases.start();
    const { database } = this.options;
    const listening = [database.listen(channel, () => this.wake()), database.listen(cancelChannel, () => this.leases.soon())];
    this.unlisten = () => {
      for (const unlisten of listening) unlisten();
    };
    this.looking = this.look();
  }

  /** Looks for due work now. A hint from within the process; nothing depends on it. */
  wake(_kind?: string): void {
    this.wanted = true;
    this.awake();
  }

  /**
   * Claims nothing more, tells what runs to stop and hands it over. What has not stopped after `graceMs` keeps its lease until that runs out,
   * because it may still be acting.
   */
  async stop(graceMs: number): Promise<{ left: number }> {
    this.stopping = true;
    this.unlisten();
    this.wake();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
    for (const claim of this.running.keys()) claim.abort(new ShuttingDown());
    await Promise.race([this.looking, late]);
    await Promise.race([Promise.all(this.running.values()), late]);
    clearTimeout(timer);
    this.leases.stop();
    for (const claim of this.running.keys()) claim.end();
    return { left: this.running.size };
  }

  /** What this process works on, by kind, and how long ago it last could ask the database for work, in ms. */
  stats(): { running: Record<string, number>; lastLookMs: number | undefined } {
    const running: Record<string, number> = {};
    for (const { operation } of this.running.keys()) running[operation.kind] = (running[operation.kind] ?? 0) + 1;
    return { running, lastLookMs: this.lastLookAt === undefined ? undefined : performance.now() - this.lastLookAt };
  }

  private async look(): Promise<void> {
    const { pollMs = 5_000, logger, database } = this.options;
    for (let isFirst = true; !this.stopping; isFirst = false) {
      this.wanted = false;
      let sleepMs = pollMs * (0.75 + Math.random() / 2);
      try {
        await showOwner(database, this.owner);
        if (isFirst) await endLeasesOfTheGone(database);
        sleepMs = Math.min(sleepMs, await this.turn());
        if (this.failures > 0) logger.info('looking for work again');
        this.failures = 0;
        this.lastLookAt = performance.now();
        await this.reportStuck();
      } catch (error) {
        if (this.failures++ === 0) logger.warn({ err: error }, 'cannot look for work; trying again');
        sleepMs = Math.random() * Math.min(5_000, 500 * 2 ** this.failures);
      }
      await this.sleep(sleepMs);
    }
  }

  /** Claims what is due and fits. Returns in how many ms to look again. */
  private async turn(): Promise<number> {
    const free = [...this.works.values()].filter((work) => this.room(work) > 0);
    if (free.length === 0) return Number.POSITIVE_INFINITY; // whatever ends wakes us
    const due = await nextDue(
      this.options.database,
      free.map(({ kind }) => kind),
    );
    let next = Number.POSITIVE_INFINITY;
    for (const work of free) {
      const dueIn = due.get(work.kind) ?? Number.POSITIVE_INFINITY;
      if (dueIn > 0) next = Math.min(next, dueIn);
      else if (!this.stopping && work.yields && (await this.isBehind())) next = Math.min(next, await this.trickle(work, work.yields));
      // Nothing although it is due: another worker is just taking it, or the row is locked.
      else if (!this.stopping && (await this.claim(work)) === 0) next = Math.min(next, 250);
      else if (this.room(work) > 0) next = 0;
    }
    return next;
  }

  private async isBehind(): Promise<boolean> {
    return (await this.options.messaging.isBehind?.()) ?? false;
  }

  /** What may not wait, and one of what may: once a second, for each look goes past all that waits. Returns in how many ms to look again. */
  private async trickle(work: Work, yields: 'first' | 'each'): Promise<number> {
    const left = trickleMs - (performance.now() - (this.trickledAt.get(work.kind) ?? Number.NEGATIVE_INFINITY));
    if (left > 0) return left;
    this.trickledAt.set(work.kind, performance.now());
    await this.claim(work, { without: yields === 'first' ? 'new' : 'ready' });
    if (this.room(work) > 0) await this.claim(work, { limit: 1 });
    return trickleMs;
  }

  private async claim(work: Work, some: Pick<Partial<ClaimRequest>, 'limit' | 'without'> = {}): Promise<number> {
    const { database } = this.options;
    const { kind, leaseMs = usualLeaseMs } = work;
    const sentAt = performance.now();
    const rows = await claimDue(database, { kind, limit: this.room(work), owner: this.owner, leaseMs, ...some });
    for (const row of rows) {
      const claim = new ActiveClaim(row, work, { sayAwayAfterMs: 10_000, ...this.options }, sentAt);
      if (this.stopping) claim.abort(new ShuttingDown());
      this.running.set(claim, this.execute(claim));
    }
    return rows.length;
  }

  private async execute(claim: ActiveClaim): Promise<void> {
    const { kind, key, epoch } = claim.operation;
    let result: Result = { outcome: 'lost' };
    try {
      result = this.stopping
        ? { outcome: (await settle(this.options.database, claim.held, { end: 'handed-over' })) ? 'handed-over' : 'lost' }
        : await runClaim(claim);
    } catch (error) {
      this.options.logger.error({ err: error, kind, key, epoch }, 'an operation could not be ended; its lease will run out');
    }
    claim.end();
    this.running.delete(claim);
    this.metrics.attempts.inc({ kind, outcome: result.outcome });
    if (result.error) this.options.logger.warn({ err: result.error, kind, key, epoch }, `operation ${result.outcome}`);
    if (result.outcome === 'hung')
      this.options.logger.error({ kind, key, epoch }, 'the work did not stop when it was told to; its lease will run out');
    if (result.outcome === 'handed-over') this.options.database.notify(channel);
    this.wake();
  }

  private room(work: Work): number {
    let mine = 0;
    for (const { operation } of this.running.keys()) if (operation.kind === work.kind) mine++;
    return (work.concurrency ?? 4) - mine;
  }

  private async reportStuck(): Promise<void> {
    if (performance.now() - this.stuckAt < stuckEveryMs) return;
    this.stuckAt = performance.now();
    const bounded = await boundArmings(this.options.database, longestArmedMs);
    if (bounded.length > 0) this.options.logger.warn({ armed: bounded.slice(0, 10) }, 'armed for longer than any call takes: bounded');
    const stuck = await stuckOperations(this.options.database);
    if (stuck.length > 0) this.options.logger.warn({ stuck: stuck.slice(0, 10), count: stuck.length }, 'operations are stuck');
  }

  private async sleep(ms: number): Promise<void> {
    if (this.wanted || this.stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, 60_000));
      this.awake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.awake = () => undefined;
  }
}
