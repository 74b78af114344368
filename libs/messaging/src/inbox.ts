import { createHash } from 'node:crypto';
import type { Service } from '@slipway/contracts';
import type { Database, Tx } from '@slipway/postgres';
import type { InRecord, TopicPartition } from './event-log.js';
import type { Identified } from './reading.js';
import type { TopicNames } from './topic-names.js';

/** What the inbox said of an event. */
export interface Seen {
  /** True when this transaction is the first to see it. */
  readonly fresh: boolean;
  /** False when something else was seen under the same id: somebody forges, or reuses ids. */
  readonly same: boolean;
  readonly now: Date;
}

/** Longer than any topic keeps its records, so that what the log still has is never taken for new. */
const keptDays = 30;

/** Which events were seen, and how far each partition was read: written in the handler's own transaction. */
export class Inbox {
  constructor(
    private readonly database: Database,
    private readonly topics: TopicNames,
  ) {}

  /** One round trip for inbox, stored offset and the hand-off this event answers. */
  async enter(tx: Tx, record: InRecord, from: Identified): Promise<Seen> {
    const digest = digestOf(record);
    const [row] = await tx.query<{ fresh: boolean; known: Buffer | null; now: Date }>(
      `with seen as (
        insert into inbox (source, event_id, digest, kept_until)
        values ($1, $2, $3, case when $8 then null else now() + interval '${keptDays} days' end)
        on conflict do nothing returning 1
      ), place as (
        insert into stored_offset (topic, "partition", next) values ($4, $5, $6)
        on conflict (topic, "partition") do update set next = excluded.next
      ), settled as (
        delete from handoff where event_id = $7 and service = $9
      )
      select exists (select 1 from seen) as fresh, transaction_timestamp() as now,
        (select digest from inbox where source = $1 and event_id = $2) as known`,
      [
        from.source,
        from.id,
        digest,
        record.topic,
        record.partition,
        after(record.offset),
        from.causationId ?? null,
        this.topics.isCompacted(record.topic),
        from.service ?? null,
      ],
    );
    if (!row) throw new Error('the inbox gave no answer');
    // Nothing known and not fresh: another replica committed it a moment ago; its answer is as good as ours would be.
    return { fresh: row.fresh, same: row.known === null || row.known.equals(digest), now: row.now };
  }

  /** That an event was seen, where its offset says nothing: a replay. */
  async remember(tx: Tx, record: InRecord, from: Identified): Promise<void> {
    await tx.query(
      `insert into inbox (source, event_id, digest, kept_until)
       values ($1, $2, $3, case when $4 then null else now() + interval '${keptDays} days' end) on conflict do nothing`,
      [from.source, from.id, digestOf(record), this.topics.isCompacted(record.topic)],
    );
  }

  /** How far we read, for a record that has no id to be believed. */
  async place(tx: Tx, record: InRecord): Promise<void> {
    await tx.query(
      'insert into stored_offset (topic, "partition", next) values ($1, $2, $3) on conflict (topic, "partition") do update set next = excluded.next',
      [record.topic, record.partition, after(record.offset)],
    );
  }

  /** For records no handler sees: how far we read, and which hand-offs they settle. */
  async pass(record: InRecord, answers: readonly { service: Service; causationId: string }[]): Promise<void> {
    await this.database.query(
      `with settled as (
        delete from handoff where (event_id, service) in (select * from unnest($4::text[], $5::text[]))
      )
      insert into stored_offset (topic, "partition", next) values ($1, $2, $3) on conflict (topic, "partition") do update set next = excluded.next`,
      [
        record.topic,
        record.partition,
        after(record.offset),
        answers.map(({ causationId }) => causationId),
        answers.map(({ service }) => service),
      ],
    );
  }

  /** What was committed with the handlers' work: the truth where Kafka's own offset is ahead of it, as after a restored backup. */
  async positions(assigned: readonly TopicPartition[]): Promise<(TopicPartition & { next: string })[]> {
    return await this.database.query<TopicPartition & { next: string }>(
      `select topic, "partition", next::text from stored_offset
       where (topic, "partition") in (select * from unnest($1::text[], $2::int[]))`,
      [assigned.map(({ topic }) => topic), assigned.map(({ partition }) => partition)],
    );
  }
}

/** Of what the event is, not of how it came: a repetition has other headers. */
export function digestOf(record: InRecord): Buffer {
  const hash = createHash('sha256')
    .update(record.headers['ce_type'] ?? '')
    .update('\0');
  return hash.update(record.value ?? '').digest();
}

function after(offset: string): string {
  return (BigInt(offset) + 1n).toString();
}
