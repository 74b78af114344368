import type { Database } from '@slipway/postgres';
import type { Logger } from 'pino';
import type { ActiveClaim } from './active-claim.js';
import { renew } from './claims.js';
import { Cancelled } from './errors.js';

/** What is not answered for so long costs the session, and with it every lock that the process holds. */
const mostMs = 4_000;
/** A row that somebody has locked is asked for again after so long: no transaction lasts for a lease. */
const lockedMs = 300;

/** Renews the leases of everything a process works on, each before a third of it is over, in one statement, and passes on what the rows say: lost, cancelled. */
export class LeaseKeeper {
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> | undefined;
  private failing = false;
  private stopped = false;

  /** `everyMs`: a third of the shortest lease. */
  constructor(
    private readonly database: Database,
    private readonly logger: Logger,
    private readonly claims: () => readonly ActiveClaim[],
    private readonly everyMs: number,
  ) {}

  start(): void {
    this.stopped = false;
    this.schedule(this.everyMs);
  }

  /** Looks at the rows now. */
  soon(): void {
    if (!this.stopped && this.claims().length > 0) this.schedule(0, true);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private schedule(ms: number, all = false): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.renewing ??= this.renew(all).then((nextMs) => {
        this.renewing = undefined;
        if (!this.stopped) this.schedule(nextMs);
      });
    }, ms);
  }

  /** Gives after how many ms to do so again. */
  private async renew(all: boolean): Promise<number> {
    const claims = this.claims().filter((claim) => !claim.lost && (all || claim.isDueIn(this.everyMs)));
    if (claims.length === 0) return this.everyMs;
    const sentAt = performance.now();
    let nextMs = this.everyMs;
    try {
      const rows = await renew(
        this.database,
        claims.map(({ held }) => held),
        mostMs,
      );
      const found = new Map(rows.map((row) => [`${row.id} ${row.epoch}`, row]));
      for (const claim of claims) {
        const row = found.get(`${claim.operation.id} ${claim.operation.epoch}`);
        if (row?.renewed) claim.renewed(sentAt);
        else if (row?.held) nextMs = Math.min(nextMs, lockedMs);
        if (row && !row.held) claim.lose();
        else if (row?.cancel_reason != null && claim.row.cancel_reason === null && !claim.signal.aborted)
          claim.abort(new Cancelled(row.cancel_reason));
      }
      if (this.failing) this.logger.info('leases are renewed again');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.logger.warn({ err: error, claims: claims.length }, 'leases could not be renewed; trying again');
      this.failing = true;
      nextMs = Math.min(1_000, this.everyMs / 2);
    }
    return nextMs;
  }
}
