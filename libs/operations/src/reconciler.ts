import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '@slipway/postgres';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Compares this service's rows with the world, or with each other, and repairs what differs. Must be harmless when run twice. */
export interface Reconciliation {
  readonly name: string;
  /** 15 to 60, jittered by a quarter. Default 30. */
  readonly everySeconds?: number;
  /** The longest one run may take. Default 300. */
  readonly limitSeconds?: number;
  /** What it looks at is the process's own, as its disk: it runs in every replica, and in none instead of another. */
  readonly inEveryReplica?: boolean;
  /** The signal is aborted when the process stops, another replica may have taken over, or time is up. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ReconcilerOptions {
  readonly database: Database;
  readonly reconciliations: readonly Reconciliation[];
  readonly registry: Registry;
  readonly logger: Logger;
  /** How soon a replica that waits takes over from one that died, in ms. Default 5 000. */
  readonly retryMs?: number;
}

/** Runs the reconciliations of a service, most of them in one replica at a time: whoever holds the session advisory lock, as long as it lives. */
export class Reconciler {
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly runs: Counter<'name' | 'outcome'>;
  private readonly succeededAt: Gauge<'name'>;

  constructor(private readonly options: ReconcilerOptions) {
    const registers = [options.registry];
    this.runs = new Counter({
      name: 'slipway_reconciliations_total',
      help: 'Reconciliations run by this process',
      labelNames: ['name', 'outcome'],
      registers,
    });
    this.succeededAt = new Gauge({
      name: 'slipway_reconciliation_success_timestamp_seconds',
      help: 'When a reconciliation last succeeded in this process',
      labelNames: ['name'],
      registers,
    });
  }

  start(): void {
    if (this.loops.length > 0) return;
    for (const reconciliation of this.options.reconciliations) this.loops.push(this.loop(reconciliation));
  }

  /** Tells what runs to stop and waits for it, at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort(new Error('This process is stopping'));
    await Promise.race([Promise.all(this.loops), wait(graceMs, undefined, { ref: false })]);
  }

  private async loop(reconciliation: Reconciliation): Promise<void> {
    const { retryMs = 5_000 } = this.options;
    const { signal } = this.stopping;
    if (reconciliation.inEveryReplica) return await this.repeat(reconciliation, signal);
    while (!signal.aborted) {
      const lock = await this.options.database.locks.hold(`reconcile ${reconciliation.name}`).catch(() => undefined);
      if (!lock) {
        await this.rest(retryMs);
        continue;
      }
      try {
        await this.repeat(reconciliation, AbortSignal.any([lock.signal, signal]));
      } finally {
        await lock.release();
      }
    }
  }

  private async repeat(reconciliation: Reconciliation, mine: AbortSignal): Promise<void> {
    const everyMs = (reconciliation.everySeconds ?? 30) * 1000;
    await this.rest(everyMs / 4, mine); // not all of them at every start at once
    while (!mine.aborted) {
      await this.runOnce(reconciliation, mine);
      await this.rest(everyMs, mine);
    }
  }

  private async runOnce(reconciliation: Reconciliation, mine: AbortSignal): Promise<void> {
    const { name, limitSeconds = 300 } = reconciliation;
    try {
      await reconciliation.run(AbortSignal.any([mine, AbortSignal.timeout(limitSeconds * 1000)]));
      this.runs.inc({ name, outcome: 'succeeded' });
      this.succeededAt.set({ name }, Date.now() / 1000);
    } catch (error) {
      if (mine.aborted) return;
      this.runs.inc({ name, outcome: 'errored' });
      this.options.logger.warn({ err: error, name }, 'a reconciliation failed; it runs again');
    }
  }

  /** About `ms`, shorter when it is time to stop. */
  private async rest(ms: number, signal: AbortSignal = this.stopping.signal): Promise<void> {
    await wait(ms * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }
}
