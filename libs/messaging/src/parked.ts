import type { Database, Tx } from '@slipway/postgres';
import type { InRecord } from './event-log.js';
import type { Identified } from './reading.js';
import { restore, store } from './stored-record.js';
import type { Timing } from './timing.js';

/** Why an event waits: this code is too old for it, or what it is about has not been heard of. */
export type ParkedReason = 'newer-version' | 'not-yet';

export interface Waiting {
  readonly source: string;
  readonly eventId: string;
  readonly reason: ParkedReason;
  readonly detail: string;
  readonly tries: number;
  /** True when it has waited so long that it never will be right, and for nothing that waits here as well. */
  readonly givenUp: boolean;
  readonly record: InRecord;
}

/** Events that are right but can't be handled now. None of them is lost: each is handled, or becomes a dead letter, or waits for an upgrade. */
export class Parked {
  constructor(
    private readonly database: Database,
    private readonly timing: Timing,
  ) {}

  async park(
    tx: Tx,
    record: InRecord,
    from: Identified,
    why: { reason: ParkedReason; detail: string; type: string; subject: string },
  ): Promise<void> {
    await tx.query(
      `insert into parked (source, event_id, type, subject, reason, detail, record, next_at)
       values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8 / 1000.0))
       on conflict (source, event_id) do nothing`,
      [from.source, from.id, why.type, why.subject, why.reason, why.detail, store(record).json, this.timing.parkedFirstMs],
    );
  }

  /** After an upgrade: what is perhaps understood now is due. */
  async wakeUnderstood(types: readonly string[]): Promise<void> {
    await this.database.query(`update parked set next_at = now() where reason = 'newer-version' and type = any($1::text[])`, [types]);
  }

  /** Something about this subject was handled: perhaps it was what others waited for. Whether anything waits at all, for whatever subject. */
  async wakeSubject(subject: string): Promise<boolean> {
    const [row] = await this.database.query<{ some: boolean }>(
      `with woken as (update parked set next_at = now() where reason = 'not-yet' and subject = $1 and next_at > now())
       select exists (select 1 from parked where reason = 'not-yet') as some`,
      [subject],
    );
    return row?.some ?? false;
  }

  /**
   * What may be tried now by code that understands these types: a version of one that it does not know is left to a replica that does. What nobody of ours signed
   * was put aside as newer by an older version only, and is tried as well, which makes a dead letter of it. Nothing is given up while something newer waits for an
   * upgrade: that may be what the others wait for.
   */
  async due(types: readonly string[], limit: number): Promise<Waiting[]> {
    const rows = await this.database.query<Omit<Waiting, 'record'> & { record: unknown }>(
      `select source, event_id as "eventId", reason, detail, tries, record,
         first_at < now() - make_interval(secs => $2 / 1000.0) and not exists (select from parked where reason = 'newer-version') as "givenUp"
       from parked where next_at <= now() and (reason = 'not-yet' or type = any($3::text[]) or source like 'outside:%')
       order by first_at, (record->>'offset')::bigint limit $1`,
      [limit, this.timing.parkedGiveUpMs, types],
    );
    return rows.map((row) => ({ ...row, record: restore(row.record) }));
  }

  /** Takes it out, in the transaction that handles it. False when another replica did. */
  async take(tx: Tx, of: { source: string; eventId: string }): Promise<boolean> {
    return (await tx.query('delete from parked where source = $1 and event_id = $2 returning 1', [of.source, of.eventId])).length > 0;
  }

  /** Still too early, or for a replica of a newer version: at growing intervals up to ten minutes. */
  async later(of: { source: string; eventId: string }): Promise<void> {
    await this.database.query(
      `update parked set tries = tries + 1, next_at = now() + make_interval(secs => least(600, $3 / 1000.0 * 2 ^ least(tries + 1, 20)))
       where source = $1 and event_id = $2`,
      [of.source, of.eventId, this.timing.parkedFirstMs],
    );
  }
}
