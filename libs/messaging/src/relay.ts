import { type Database, prepared } from '@slipway/postgres';
import type { Logger } from 'pino';
import { type EventLog, type OutRecord, type Place, PublishFailed } from './event-log.js';
import { nameOf } from './name-of.js';
import type { RelayShards } from './relay-shards.js';
import type { TopicNames } from './topic-names.js';
import { backOff } from './trouble.js';

interface OutboxRow {
  id: string;
  event_id: string;
  topic: string;
  key: string;
  headers: Record<string, string>;
  value: string;
  resends: number;
}

export interface RelayParts {
  readonly database: Database;
  readonly log: EventLog;
  readonly shards: RelayShards;
  readonly topics: TopicNames;
  readonly logger: Logger;
  readonly published: (count: number) => void;
  /** The database is not the one that what was published came from. Nothing more is published; who hears this has it looked at as at a start. */
  readonly doubted: (error: Error) => void;
}

const mostRows = 500;
const mostBytes = 8_000_000;

const oldestUnpublished = prepared(`select id, event_id, topic, key, headers, value, resends from (
  select *, sum(octet_length(value)) over (order by id) - octet_length(value) as before from (
    select id, event_id, topic, key, headers, value, resends from outbox
    where published_at is null and shard = any($1::smallint[]) and key <> all($2::text[]) order by id limit ${mostRows}
  ) as oldest
) as sized where before < ${mostBytes} order by id`);

/**
 * Not waited for on disk: after a crash the rows are published again, as after one between log and mark, and nobody waits behind its flush. How far the log
 * was written is only kept where the database knows all of it (docs/adr/0020).
 */
const markPublished = prepared(`with marked as (
  update outbox set published_at = now(), last_error = null
  from (select set_config('synchronous_commit', 'off', true)) as lossy where event_id = any($1::text[]) returning 1
), known as (
  select count(*)::int as count from marked
), placed as (
  insert into said_place (topic, "partition", next)
  select place.* from unnest($2::text[], $3::int[], $4::bigint[]) as place (topic, "partition", next), known
  where count = cardinality($1::text[]) order by 1, 2
  on conflict (topic, "partition") do update set next = excluded.next
)
select count from known`);

/** Whether the limits of a batch may have cut it off. */
function isFull(rows: readonly OutboxRow[]): boolean {
  return rows.length === mostRows || rows.reduce((bytes, { value }) => bytes + Buffer.byteLength(value), 0) >= mostBytes;
}

/**
 * Brings the outbox to the log: the oldest unpublished rows of our shards, in the order of their ids, marked when every in-sync replica has
 * them. Rows are found by being unpublished, never by a cursor, so none is skipped. A crash between log and mark publishes again,
 * which the receiver's inbox absorbs (facts/reliability.md 2.3).
 */
export class Relay {
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  /** What was on its way to the log when something failed. */
  private unsure: readonly string[] = [];
  private readonly blocked = new Map<string, { until: number; tries: number }>();

  constructor(
    private readonly parts: RelayParts,
    private readonly pollMs: number,
  ) {}

  start(): void {
    this.schedule(0);
  }

  /** Something was said: look now. */
  wake(): void {
    if (this.stopped || this.failures > 0) return; // while the log or the database is away, the timer decides
    this.again = true;
    this.running ??= this.run();
  }

  /** Ends after the batch in hand. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** Publishes until nothing is left or it fails, within the grace of a shutdown. */
  async drain(): Promise<void> {
    this.wake();
    await this.running;
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.again = true;
      this.running ??= this.run();
    }, ms);
    this.timer.unref();
  }

  private async run(): Promise<void> {
    let waitMs = this.pollMs;
    try {
      await this.parts.shards.acquire();
      while (this.again && !this.stopped) {
        this.again = false;
        if ((await this.publishSome()) === 'full') this.again = true;
      }
      this.failures = 0;
    } catch (error) {
      // The log or the database is away, as a whole. Soon again: what waits here is releases.
      this.failures++;
      waitMs = backOff(this.failures, 100, 2_000);
      if (this.failures === 3) this.parts.logger.warn({ err: error }, 'the outbox waits: the log or the database is away');
    }
    this.running = undefined;
    this.schedule(waitMs);
  }

  /** One batch: claim, publish, mark. One that is full may have left some; who said something later wakes us. */
  private async publishSome(): Promise<'full' | 'all'> {
    if (this.unsure.length > 0 && !(await this.isKnown(this.unsure))) return 'all';
    this.unsure = []; // not asked for again: what is known is forgotten one day
    const owned = this.parts.shards.owned();
    if (owned.length === 0) return 'all';
    const now = performance.now();
    const waiting = [...this.blocked].filter(([, { until }]) => until > now).map(([key]) => key);
    const rows = await this.claim(owned, waiting);
    if (rows.length === 0) return 'all';
    this.unsure = rows.map(({ event_id }) => event_id);
    const places = new Map<string, Place>();
    const published = await this.publish(rows, (place) => places.set(nameOf(place), place));
    if (published.length > 0) await this.mark(published, [...places.values()]);
    this.unsure = [];
    this.parts.published(published.length);
    return isFull(rows) ? 'full' : 'all';
  }

  private async claim(shards: number[], waiting: string[]): Promise<OutboxRow[]> {
    return await this.parts.database.query<OutboxRow>(oldestUnpublished, [shards, waiting]);
  }

  private async mark(rows: OutboxRow[], places: Place[]): Promise<void> {
    const [known] = await this.parts.database.query<{ count: number }>(markPublished, [
      rows.map(({ event_id }) => event_id),
      places.map(({ topic }) => topic),
      places.map(({ partition }) => partition),
      places.map(({ next }) => next),
    ]);
    this.compare(known, rows.length);
  }

  /** After a failure: the log may have taken these all the same, and then this database must know them. */
  private async isKnown(ids: readonly string[]): Promise<boolean> {
    const [known] = await this.parts.database.query<{ count: number }>(
      'select count(*)::int as count from outbox where event_id = any($1::text[])',
      [ids],
    );
    return this.compare(known, ids.length);
  }

  private compare(known: { count: number } | undefined, said: number): boolean {
    if (known?.count === said) return true;
    this.stopped = true;
    this.parts.doubted(new Error('the database became another one while something was said: this one does not know of it'));
    return false;
  }

  /** Those that were taken. One that is refused stops its key, not the batch. */
  private async publish(rows: OutboxRow[], reached: (place: Place) => void): Promise<OutboxRow[]> {
    try {
      for (const place of await this.parts.log.publish(rows.map((row) => this.recordOf(row)))) reached(place);
      for (const { key } of rows) this.blocked.delete(key);
      return rows;
    } catch (error) {
      if (!(error instanceof PublishFailed) || error.why !== 'refused') throw error;
      const keys = Map.groupBy(rows, ({ key }) => key);
      if (keys.size === 1) return await this.block(rows[0] as OutboxRow, error);
      const taken: OutboxRow[] = [];
      for (const ofKey of keys.values()) taken.push(...(await this.publish(ofKey, reached)));
      return taken;
    }
  }

  private async block(first: OutboxRow, error: PublishFailed): Promise<OutboxRow[]> {
    const tries = (this.blocked.get(first.key)?.tries ?? 0) + 1;
    this.blocked.set(first.key, { tries, until: performance.now() + backOff(tries, 1_000, 60_000) });
    this.parts.logger.error(
      { key: first.key, topic: first.topic, outboxId: first.id, tries, err: error },
      'the log refuses an event; its key waits',
    );
    await this.parts.database.query('update outbox set last_error = $2 where id = $1', [first.id, error.message.slice(0, 1000)]);
    return [];
  }

  private recordOf({ topic, key, headers, value, resends }: OutboxRow): OutRecord {
    return {
      topic: this.parts.topics.here(topic),
      key,
      value: Buffer.from(value, 'utf8'),
      headers: resends > 0 ? { ...headers, ce_resend: String(resends) } : headers,
    };
  }
}
