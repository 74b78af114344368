import { type EventDefinition, EventNoted, Id } from '@slipway/contracts';
import type { Database, Tx } from '@slipway/postgres';
import type { Identified } from './reading.js';
import type { Cause, UnitOfWork } from './received.js';
import { OpenUnit, type Speaker } from './unit-of-work.js';

/** Opens a unit of work of the transaction that began then. */
export type Open = (now: Date, cause?: Cause) => OpenUnit;

/** Opens units of work: the one place where a transaction begins, what was said in it is written, and the relay hears of it. */
export class Transactions {
  constructor(
    private readonly database: Database,
    private readonly speaker: Speaker,
    private readonly said: (shards: ReadonlySet<number>) => void,
  ) {}

  /**
   * `open` is told when the transaction began by a statement it needs anyway, which saves asking for the time; called again, perhaps with a cause of its
   * own, it opens another unit in the same transaction. Nothing is done where `signal` was aborted before there was a connection: it may be to a database
   * from which other records are to be read.
   */
  async run<T>(cause: Cause, fn: (open: Open, tx: Tx) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return await this.database.transaction(async (tx) => {
      signal?.throwIfAborted();
      const units: OpenUnit[] = [];
      const open: Open = (now, own = cause) => {
        const unit = new OpenUnit(tx, now, this.speaker, own);
        units.push(unit);
        return unit;
      };
      const result = await fn(open, tx);
      const said = units.flatMap((unit) => unit.said);
      if (said.length > 0) {
        await this.speaker.outbox.insert(tx, said);
        tx.afterCommit(() => this.said(new Set(said.map(({ shard }) => shard))));
      }
      return result;
    });
  }

  /** One unit, the time asked for first. */
  async transact<T>(cause: Cause, fn: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return await this.run(cause, async (open, tx) => await fn(open(await tx.now())));
  }

  /** Rows were made unpublished again by hand: the relay should look, whatever the shard. */
  resaid(tx: Tx): void {
    tx.afterCommit(() => this.said(new Set([-1])));
  }

  /** Tells the sender that this service has its event, where the sender waits for that and nothing else was said. */
  note(
    unit: OpenUnit,
    definition: EventDefinition,
    from: Identified,
    subject: string,
    outcome: 'noted' | 'dead-lettered' | 'parked',
    reason?: string,
  ): void {
    const awaited = from.service !== undefined && definition.actedOnBy.includes(this.speaker.service) && Id.safeParse(from.id).success;
    if (!awaited || (outcome === 'noted' && unit.hasAnswered(from.id))) return;
    unit.publish(EventNoted, { subject, causationId: from.id, data: { event: from.id, outcome, reason: reason?.slice(0, 1000) ?? null } });
  }
}
