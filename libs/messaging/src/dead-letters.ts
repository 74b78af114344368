import { EventDeadLettered, type Service } from '@slipway/contracts';
import type { Database, Tx } from '@slipway/postgres';
import type { Counter } from 'prom-client';
import { v7 } from 'uuid';
import type { InRecord } from './event-log.js';
import { digestOf } from './inbox.js';
import type { Identified, PoisonReason } from './reading.js';
import type { UnitOfWork } from './received.js';
import { restore, store } from './stored-record.js';
import { Telling } from './telling.js';
import { sort } from './trouble.js';

/** A record no handler could take. */
export interface DeadLetter {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly source: string | null;
  readonly eventId: string | null;
  readonly type: string | null;
  readonly reason: PoisonReason;
  readonly detail: string;
  readonly stack: string | null;
  readonly tries: number;
  readonly at: Date;
  readonly resolvedAt: Date | null;
  readonly resolution: 'replayed' | 'discarded' | null;
  readonly resolvedBy: string | null;
  /** It was too large to be kept whole and can't be replayed. */
  readonly cut: boolean;
}

/** What became of an attempt to replay or discard. */
export type Resolved = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly isNewer?: true };

const columns = `id, topic, "partition", "offset"::text, source, event_id as "eventId", type, reason, detail, stack, tries, at,
  resolved_at as "resolvedAt", resolution, resolved_by as "resolvedBy", cut`;

/** The table of dead letters: kept until somebody replays or discards each one (facts/reliability.md 2.9). */
export class DeadLetters {
  constructor(
    private readonly database: Database,
    private readonly service: Service,
    private readonly handleAgain: (record: InRecord, first: (tx: Tx) => Promise<void>) => Promise<Resolved>,
    private readonly counter: Counter<'reason'>,
    private readonly telling = new Telling(),
  ) {}

  /** The newest first; `before` is the id of the last one of the page before. */
  async list(page: { before?: string; limit?: number; resolved?: boolean } = {}): Promise<DeadLetter[]> {
    return await this.database.query<DeadLetter>(
      `select ${columns} from dead_letter where (resolved_at is not null) = $1 and ($2::uuid is null or id < $2::uuid) order by id desc limit $3`,
      [page.resolved ?? false, page.before ?? null, Math.min(page.limit ?? 50, 500)],
    );
  }

  /** One of them with the record as it came; undefined when there is none of this id. */
  async show(id: string): Promise<{ letter: DeadLetter; record: InRecord } | undefined> {
    const [row] = await this.database.query<DeadLetter & { record: unknown }>(`select ${columns}, record from dead_letter where id = $1`, [
      id,
    ]);
    if (!row) return undefined;
    const { record, ...letter } = row;
    return { letter, record: restore(record) };
  }

  /**
   * What was buried at a place, `topic:partition:offset`, which is how it is called outside its service; newest first, at most 20. More than one
   * only where the topic was lost and made anew.
   */
  async at(place: string): Promise<DeadLetter[]> {
    const [, topic, partition, offset] = /^(.{1,249}):(\d{1,9}):(\d{1,18})$/.exec(place) ?? [];
    if (topic === undefined) return [];
    return await this.database.query<DeadLetter>(
      `select ${columns} from dead_letter where topic = $1 and "partition" = $2 and "offset" = $3 order by id desc limit 20`,
      [topic, partition, offset],
    );
  }

  /** Hands the record to its handler again; resolved when that commits, and only once. Throws only what passes by itself, such as a database away. */
  async replay(id: string, by: string): Promise<Resolved> {
    const found = await this.show(id);
    if (!found) return { ok: false, reason: `there is no dead letter ${id}` };
    if (found.letter.cut) return { ok: false, reason: 'it was too large to be kept whole; let its sender say it again' };
    const claim = (tx: Tx) => this.resolve(tx, id, 'replayed', by);
    try {
      return await this.handleAgain(found.record, claim);
    } catch (error) {
      if (sort(error) === 'transient') throw error;
      return { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Says that nothing will be done about it. */
  async discard(id: string, by: string, reason: string): Promise<Resolved> {
    try {
      await this.database.transaction((tx) => this.resolve(tx, id, 'discarded', `${by}: ${reason}`));
      return { ok: true };
    } catch (error) {
      if (error instanceof AlreadyResolved) return { ok: false, reason: error.message };
      throw error;
    }
  }

  /** Writes it down and says so to everybody, in one transaction with the offset. The same record twice is one dead letter. */
  async bury(unit: UnitOfWork, record: InRecord, why: Burial): Promise<boolean> {
    const { json, cut } = store(record);
    const type = record.headers['ce_type']?.slice(0, 200).replaceAll('\0', '') ?? null;
    const [fresh] = await unit.tx.query(
      `insert into dead_letter (id, topic, "partition", "offset", digest, source, event_id, type, reason, detail, stack, tries, record, cut)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict do nothing returning id`,
      [
        v7(),
        record.topic,
        record.partition,
        record.offset,
        digestOf(record),
        why.from?.source ?? null,
        why.from?.id ?? null,
        type,
        why.reason,
        why.detail.replaceAll('\0', ''),
        why.stack ?? null,
        why.tries,
        json,
        cut,
      ],
    );
    if (fresh) unit.tx.afterCommit(() => this.counter.inc({ reason: why.reason }));
    // A dead letter about a dead letter would go round for ever.
    if (!fresh || type?.startsWith(EventDeadLettered.type.replace(/\d+$/, ''))) return fresh !== undefined;
    const untold = isProven(why) ? 0 : this.telling.next();
    if (untold === undefined) return true;
    unit.publish(EventDeadLettered, {
      subject: 'installation',
      correlationId: why.from ? record.headers['ce_correlationid'] : undefined,
      data: {
        service: this.service,
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        event: why.from?.id.slice(0, 100) ?? null,
        name: type,
        reason: `${why.reason}: ${why.detail}${untold > 0 ? ` (and ${untold} more before it that were not told of one by one)` : ''}`.slice(
          0,
          2000,
        ),
        stack: why.stack ?? null,
        ...bodyOf(record, why),
      },
    });
    return true;
  }

  private async resolve(tx: Tx, id: string, resolution: 'replayed' | 'discarded', by: string): Promise<void> {
    const done = await tx.query(
      'update dead_letter set resolved_at = now(), resolution = $2, resolved_by = $3 where id = $1 and resolved_at is null returning id',
      [id, resolution, by],
    );
    if (done.length === 0) throw new AlreadyResolved(`dead letter ${id} is not there or was dealt with already`);
  }
}

/** Written by a service of Slipway, by its signature. */
function isProven({ from }: Burial): boolean {
  return from !== undefined && !from.source.startsWith('outside:');
}

/** What may be told of the value: what a program printed, and what nobody of ours signed, may hold anything. */
function bodyOf({ topic, value }: InRecord, why: Burial): { bytes?: number; excerpt?: string } {
  if (value === null) return {};
  const bytes = value.length;
  if (!isProven(why) || topic.endsWith('logs')) return { bytes };
  return { bytes, excerpt: value.subarray(0, 2_000).toString('utf8').replaceAll('\0', '').slice(0, 2_000).toWellFormed() };
}

class AlreadyResolved extends Error {}

/** Why a record is buried. */
export interface Burial {
  readonly reason: PoisonReason;
  readonly detail: string;
  readonly stack?: string;
  readonly tries: number;
  /** Only for what proved to be from whom it says. */
  readonly from?: Identified;
}
