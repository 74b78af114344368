import { createHash } from 'node:crypto';
import type { Service } from '@slipway/contracts';
import type { Database, Tx } from '@slipway/postgres';
import type { InRecord, TopicPartition } from './event-log.js';
import { Unhandleable } from './failures.js';
import { firstSight, firstSights, type Sight } from './inbox-statements.js';
import type { PassedPlace } from './passed-places.js';
import type { Patience } from './patience.js';
import type { Identified } from './reading.js';
import type { TopicNames } from './topic-names.js';

/** What the inbox said of an event. */
export interface Seen {
  /** True when this transaction is the first to see it. */
  readonly fresh: boolean;
  /** False when something else was seen under the same id: somebody forges, or reuses ids. */
  readonly same: boolean;
  /** True when it is not known but so old that it may have been known once (docs/adr/0011). */
  readonly forgotten: boolean;
  readonly now: Date;
}

interface Asked {
  readonly from: Identified;
  readonly digest: Buffer;
  readonly saidAt: Date;
  readonly subject: string | null;
}

export interface Memory {
  /** How long it is remembered that an event was seen, in days: longer than any topic keeps its records. */
  readonly keptDays: number;
  /** An event said less than this ago, in ms, can't have been forgotten: it costs no look at what was. */
  readonly freshMs: number;
}

/** Which events were seen, and how far each partition was read: written in the handler's own transaction. */
export class Inbox {
  constructor(
    private readonly database: Database,
    private readonly topics: TopicNames,
    private readonly memory: Memory,
    private readonly patience: Patience,
  ) {}

  /** One round trip for inbox, stored offset and the hand-off this event answers; a second one for what is old and unknown. */
  async enter(tx: Tx, record: InRecord, from: Identified): Promise<Seen> {
    const digest = digestOf(record);
    const saidAt = saidAtOf(record, from);
    const subject = this.subjectOf(record);
    const [row] = await tx.query<Sight>(firstSight, [
      from.source,
      from.id,
      digest,
      record.topic,
      record.partition,
      afterOf(record),
      from.causationId ?? null,
      saidAt,
      from.service ?? null,
      this.memory.keptDays,
      subject,
    ]);
    if (!row) throw new Error('the inbox gave no answer');
    return await this.seen(tx, { from, digest, saidAt, subject }, row, [from.id]);
  }

  /** The same for records of one partition in their order, no id twice among them: one round trip for all that is new. */
  async enterAll(tx: Tx, all: readonly { readonly record: InRecord; readonly from: Identified }[]): Promise<Seen[]> {
    const last = all.at(-1);
    if (!last) return [];
    const asked = all.map(({ record, from }): Asked => {
      return { from, digest: digestOf(record), saidAt: saidAtOf(record, from), subject: this.subjectOf(record) };
    });
    const rows = await tx.query<Sight>(firstSights, [
      asked.map(({ from }) => from.source),
      asked.map(({ from }) => from.id),
      asked.map(({ digest }) => digest),
      asked.map(({ saidAt }) => saidAt),
      asked.map(({ subject }) => subject),
      asked.map(({ from }) => from.causationId ?? null),
      asked.map(({ from }) => from.service ?? null),
      last.record.topic,
      last.record.partition,
      afterOf(last.record),
      this.memory.keptDays,
    ]);
    const seen: Seen[] = [];
    for (const [at, each] of asked.entries()) {
      const row = rows[at];
      if (!row) throw new Error('the inbox gave no answer');
      // Those after it are no news yet when its turn comes.
      const unseen = asked.slice(at).map(({ from }) => from.id);
      seen.push(await this.seen(tx, each, row, unseen));
    }
    return seen;
  }

  private async seen(tx: Tx, asked: Asked, { fresh, now, waited, known }: Sight, unseen: readonly string[]): Promise<Seen> {
    const { from, digest, saidAt } = asked;
    // What was said again may have been answered the first time or the last: nobody knows how long that took.
    if (waited !== null && from.service !== undefined) this.patience.heard(from.service, waited);
    // Nothing known and not fresh: another replica committed it a moment ago; its answer is as good as ours would be.
    const same = known === null || known.equals(digest);
    if (!fresh || now.getTime() - saidAt.getTime() < this.memory.freshMs) return { fresh, same, now, forgotten: false };
    return { ...(await this.recall(tx, asked, unseen)), same, now };
  }

  /**
   * What a missing row means for an old event. A statement of its own, for where the row was just being deleted `enter` has waited for that, and
   * only a later statement sees what was committed with it. Of a compacted topic the newest event of each key is never forgotten, so there it is
   * always known: overtaken by a newer one, or never seen.
   */
  private async recall(
    tx: Tx,
    { from, saidAt, subject }: Asked,
    unseen: readonly string[],
  ): Promise<{ readonly fresh: boolean; readonly forgotten: boolean }> {
    const [row] = await tx.query<{ overtaken: boolean }>(
      `select $4::text is not null and exists (
         select 1 from inbox where source = $2 and subject = $4 and event_id <> all($3::text[]) and said_at >= $1
       ) as overtaken
       from forgotten where until >= $1`,
      [saidAt, from.source, unseen, subject],
    );
    return { fresh: !row?.overtaken, forgotten: row !== undefined && subject === null };
  }

  /** That an event was seen, where its offset says nothing: a replay. */
  async remember(tx: Tx, record: InRecord, from: Identified): Promise<void> {
    await tx.query(
      `insert into inbox (source, event_id, digest, kept_until, said_at, subject)
       values ($1, $2, $3, now() + make_interval(days => $4), $5, $6) on conflict do nothing`,
      [from.source, from.id, digestOf(record), this.memory.keptDays, saidAtOf(record, from), this.subjectOf(record)],
    );
  }

  /** How far we read, for a record that has no id to be believed. */
  async place(tx: Tx, record: InRecord): Promise<void> {
    await tx.query(
      'insert into stored_offset (topic, "partition", next) values ($1, $2, $3) on conflict (topic, "partition") do update set next = excluded.next',
      [record.topic, record.partition, afterOf(record)],
    );
  }

  /** For records no handler sees: how far we read, and which hand-offs they settle. */
  async pass(tx: Tx, record: InRecord, answers: readonly { service: Service; causationId: string }[]): Promise<void> {
    const settled = await tx.query<{ service: Service; waited: number }>(
      `with place as (
        insert into stored_offset (topic, "partition", next) values ($1, $2, $3)
        on conflict (topic, "partition") do update set next = excluded.next
      ), settled as (
        delete from handoff where (event_id, service) in (select * from unnest($4::text[], $5::text[])) returning service, created_at, tries
      )
      select service, max(extract(epoch from now() - created_at))::float8 * 1000 as waited from settled where tries = 0 group by service`,
      [
        record.topic,
        record.partition,
        afterOf(record),
        answers.map(({ causationId }) => causationId),
        answers.map(({ service }) => service),
      ],
    );
    for (const { service, waited } of settled) this.patience.heard(service, waited);
  }

  /** How far we read past records for others. Who stored another place since, as whoever has the partition now, knows better, and who is just at it too. */
  async passed(tx: Tx, places: readonly PassedPlace[]): Promise<void> {
    await tx.query(
      `with passed as (
        select topic, "partition", place.next from stored_offset
        join unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) as place (topic, "partition", stored, next) using (topic, "partition")
        where stored_offset.next = place.stored for update of stored_offset skip locked
      )
      update stored_offset set next = passed.next from passed
      where stored_offset.topic = passed.topic and stored_offset."partition" = passed."partition"`,
      [
        places.map(({ topic }) => topic),
        places.map(({ partition }) => partition),
        places.map(({ stored }) => stored),
        places.map(({ next }) => next),
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

  /** What was stored of these is of another log, or of one that is read again from its beginning. */
  async forgetPlaces(of: readonly TopicPartition[]): Promise<void> {
    await this.database.query('delete from stored_offset where (topic, "partition") in (select * from unnest($1::text[], $2::int[]))', [
      of.map(({ topic }) => topic),
      of.map(({ partition }) => partition),
    ]);
  }

  /** Kept only where a newer event of the same key makes an older one void. */
  private subjectOf(record: InRecord): string | null {
    return this.topics.isCompacted(record.topic) ? (record.headers['ce_subject'] ?? null) : null;
  }
}

/**
 * When it was first said, by its writer's signed word; said again it keeps that. Of what nobody proved to have written the log's word, so that
 * no forged date makes everything before it look forgotten.
 */
function saidAtOf(record: InRecord, from: Identified): Date {
  const said = from.service === undefined ? Number.NaN : Date.parse(record.headers['ce_time'] ?? '');
  return new Date(Number.isNaN(said) ? record.timestamp : said);
}

/** An event no handler may be asked about, because of what the inbox said. */
export class Unsure extends Unhandleable {
  constructor(
    readonly reason: 'same-id-other-data' | 'forgotten',
    message: string,
  ) {
    super(message);
  }
}

/** @throws Unsure where this may not be the event of this id, or not the first time it comes. */
export function refuseUnsure({ same, forgotten }: Seen, { source, id }: Identified): void {
  if (!same) throw new Unsure('same-id-other-data', `${source} said something else under the id ${id} before`);
  if (!forgotten) return;
  const words = 'is older than what is remembered: look whether it was handled before, and replay it only if it was not';
  throw new Unsure('forgotten', `${id} of ${source} ${words}`);
}

/** Of what the event is, not of how it came: a repetition has other headers. */
export function digestOf(record: InRecord): Buffer {
  const hash = createHash('sha256')
    .update(record.headers['ce_type'] ?? '')
    .update('\0');
  return hash.update(record.value ?? '').digest();
}

/** The place after a record. */
export function afterOf({ offset }: Pick<InRecord, 'offset'>): string {
  return (BigInt(offset) + 1n).toString();
}
