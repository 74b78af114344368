import type { Messaging, UnitOfWork } from '@slipway/messaging';
import type { Database, Tx } from '@slipway/postgres';
import { type Away, awayAfter, type Met, sayAway } from './away.js';
import { Calls } from './calls.js';
import { type ClaimedRow, type Ending, type Held, note, settle } from './claims.js';
import { LostClaim, TimeIsUp } from './errors.js';
import { believedProgress, progressSeal, type Seals } from './progress-seal.js';
import type { Acting, Claim, Operation, Work } from './work.js';

const longestTimer = 2 ** 31 - 1;
/** Of a lease where a work says nothing else, in ms. */
export const usualLeaseMs = 6_000;

/** How much earlier than the database a claim holds its lease to be over: 2 s, less for very short ones. */
export function marginOf(leaseMs: number): number {
  return Math.min(2_000, leaseMs / 5);
}

/** A claim in this process: its lease by our monotonic clock, the reasons that end it, and its fence. */
export class ActiveClaim implements Claim {
  readonly operation: Operation;
  readonly leaseMs: number;
  /** `complete` has committed. */
  completed = false;
  private controller = new AbortController();
  private leaseEnd: number;
  private watchdog: NodeJS.Timeout | undefined;
  private limit: NodeJS.Timeout | undefined;
  private readonly calls: Calls;
  /** The part that tries before this one met absent, unless it answered meanwhile. */
  private away: Away | null;
  private telling: Promise<void> | undefined;

  /** `claimedAt` is our monotonic clock from before the claim was sent, so that our lease ends before the database's. */
  constructor(
    readonly row: ClaimedRow,
    readonly work: Work,
    private readonly parts: {
      readonly database: Database;
      readonly messaging: Pick<Messaging, 'transact'>;
      readonly sayAwayAfterMs: number;
      readonly seals?: Seals;
    },
    claimedAt: number,
  ) {
    this.operation = {
      id: row.id,
      kind: row.kind,
      key: row.key,
      input: row.input,
      epoch: row.epoch,
      attempt: row.attempt,
      createdAt: row.created_at,
      progress: believedProgress(parts.seals, row),
    };
    this.calls = new Calls(parts.database, this);
    this.leaseMs = work.leaseMs ?? usualLeaseMs;
    this.away = row.away;
    this.leaseEnd = claimedAt + this.leaseMs - marginOf(this.leaseMs);
    this.watch();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get lost(): boolean {
    return this.signal.reason instanceof LostClaim;
  }

  leaseLeft(): number {
    return this.lost ? 0 : Math.max(0, this.leaseEnd - performance.now());
  }

  /** Whether a third of the lease will be over in so many milliseconds. */
  isDueIn(ms: number): boolean {
    return this.leaseLeft() - ms < (this.leaseMs * 2) / 3 - marginOf(this.leaseMs);
  }

  take(place: string): Promise<boolean> {
    return this.calls.take(place);
  }

  async act<T>(ms: number, call: (acting: Acting) => Promise<T>, until?: AbortSignal): Promise<T> {
    const { kind, callTimeoutMs } = this.work;
    if (ms > callTimeoutMs)
      throw new Error(`${kind}: a call of ${ms} ms is longer than its longest, ${callTimeoutMs} ms: lengthen callTimeoutMs`);
    return this.calls.act(ms, call, until);
  }

  get held(): Held {
    return this.calls.held;
  }

  async read<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    if (this.lost) throw this.signal.reason;
    return await this.parts.database.transaction(fn);
  }

  transact<T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    // Locked last, not first, so that rows are locked in the order in which handlers lock them; the lock holds until the commit, so no newer
    // epoch can be given out in between.
    return this.fenced(fn, async ({ tx }) => {
      const sql = "select 1 from operation where id = $1 and epoch = $2 and state = 'running' for no key update";
      return (await tx.query(sql, [this.operation.id, this.operation.epoch])).length > 0;
    });
  }

  async complete<T>(fn: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    const result = await this.fenced(fn, (unit) => this.endIn(unit, { end: 'done' }));
    this.completed = true;
    return result;
  }

  /** Writes how the claim ended, and what it met. False when the claim is not the newest any more. */
  async settle(ending: Ending, met?: Met): Promise<boolean> {
    const { database, messaging } = this.parts;
    if (ending.end === 'handed-over' || !(this.row.away || met)) return settle(database, this.held, ending);
    const say = async (unit: UnitOfWork): Promise<void> => {
      // What an overtaken claim would say is undone with it.
      if (!(await this.endIn(unit, ending, met))) throw this.lose();
    };
    try {
      await messaging.transact(say, this.row.cause);
      return true;
    } catch (error) {
      if (error instanceof LostClaim) return false;
      throw error;
    }
  }

  answers(part: string): void {
    const { away } = this;
    if (away?.part !== part) return;
    this.away = null;
    if (!away.said) return;
    this.telling = this.transact(async (unit) => {
      await unit.tx.query("update operation set away = null where id = $1 and epoch = $2 and state = 'running'", [
        this.operation.id,
        this.operation.epoch,
      ]);
      sayAway(unit, this.row.cause.correlationId, { before: away, after: { away: null, say: 'back' } });
    }).catch(() => {
      this.away = away; // to be said when the claim ends
    });
  }

  async note(progress: unknown): Promise<void> {
    const { id, kind, key } = this.operation;
    const kept = progress ?? null;
    const seal = progressSeal(this.parts.seals, { id, kind, key, progress: kept });
    await note(this.parts.database, this.held, JSON.stringify(kept), seal);
  }

  /** The lease was extended by a statement sent at `sentAt` of our monotonic clock. */
  renewed(sentAt: number): void {
    this.leaseEnd = Math.max(this.leaseEnd, sentAt + this.leaseMs - marginOf(this.leaseMs));
    this.watch();
  }

  abort(reason: Error): void {
    this.controller.abort(reason);
  }

  lose(): LostClaim {
    const reason = new LostClaim(this.operation.kind, this.operation.key, this.operation.epoch);
    if (!this.lost) {
      if (this.signal.aborted) this.controller = new AbortController(); // what is lost is lost, whatever else it was stopped for
      this.controller.abort(reason);
    }
    return reason;
  }

  /** A signal that is not aborted, for what is still to be said after a cancellation or a time-out. */
  refresh(): void {
    if (this.signal.aborted && !this.lost) this.controller = new AbortController();
    clearTimeout(this.limit);
  }

  /** Aborts when the operation closes. */
  closeIn(ms: number): void {
    this.limit = setTimeout(() => this.abort(this.timeIsUp()), Math.min(ms, longestTimer));
  }

  timeIsUp(): TimeIsUp {
    return new TimeIsUp(`${this.operation.kind} ${this.operation.key} did not end in time`);
  }

  /** No timers are left. */
  end(): void {
    clearTimeout(this.watchdog);
    clearTimeout(this.limit);
  }

  private async fenced<T>(fn: (unit: UnitOfWork) => Promise<T>, stillMine: (unit: UnitOfWork) => Promise<boolean>): Promise<T> {
    if (this.lost) throw this.signal.reason;
    return await this.parts.messaging.transact(async (unit) => {
      const result = await fn(unit);
      if (!(await stillMine(unit))) throw this.lose();
      return result;
    }, this.row.cause);
  }

  private async endIn(unit: UnitOfWork, ending: Ending, met?: Met): Promise<boolean> {
    await this.telling;
    const after = awayAfter(this.away, met, unit.now, this.parts.sayAwayAfterMs);
    sayAway(unit, this.row.cause.correlationId, { before: this.away, after, met });
    if (!this.row.away && !after.away) return settle(unit.tx, this.held, ending);
    return settle(unit.tx, this.held, ending, after.away);
  }

  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => (this.leaseLeft() > 0 ? this.watch() : this.lose()), Math.max(1, this.leaseEnd - performance.now()));
  }
}
